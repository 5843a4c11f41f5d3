//! Every shape that is known, and the quick way to the few that may stand at a place.

use super::{
    class::{
        ALNUM, AT, BASE64, COLON, Class, DASH, DIGIT, DOT, EQUALS, HEX, LOWER, LOWER_HEX,
        PLUS_SLASH, UNDERSCORE, UPPER, WORD,
    },
    look::{Look, Miss},
    pem, provider,
    shape::{Check, Shape, Token},
    window::{Step, Window},
};

/// The shapes that are looked for, sorted by how they begin.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    /// For each first character the second ones, as a bit set.
    seconds: Vec<[u64; 4]>,
    /// For each first character the third ones.
    thirds: Vec<[u64; 4]>,
    /// For each first character the places in [`SHAPES`].
    shapes: Vec<Vec<u16>>,
}

impl Shapes {
    /// For the shapes that are `wanted`.
    pub(super) fn new(wanted: impl Fn(&Shape) -> bool) -> Self {
        let none = || vec![[0; 4]; 256];
        let mut all = Self { seconds: none(), thirds: none(), shapes: vec![Vec::new(); 256] };
        for (index, shape) in (0_u16..).zip(SHAPES).filter(|(_, shape)| wanted(shape)) {
            let Some(first) = shape.prefix.first() else { continue };
            if let Some(shapes) = all.shapes.get_mut(usize::from(*first)) {
                shapes.push(index);
            }
            for (place, rows) in [(1, &mut all.seconds), (2, &mut all.thirds)] {
                if let Some(row) = rows.get_mut(usize::from(*first)) {
                    let fits = |byte: &u8| shape.may_have(place, *byte);
                    (0..=255).filter(fits).for_each(|byte| add(row, byte));
                }
            }
        }
        all
    }

    /// Whether no token begins at `at`: told by three bytes, nearly always.
    #[inline]
    pub(super) fn rules_out(&self, window: Window<'_>, at: usize) -> bool {
        match window.from(at) {
            [b'%' | b'\\', ..] => false,
            [first, second @ (b'%' | b'\\'), ..] => !holds(&self.seconds, *first, *second),
            [first, second, third, ..] => {
                !holds(&self.seconds, *first, *second) || !holds(&self.thirds, *first, *third)
            }
            [first, second] => !holds(&self.seconds, *first, *second),
            _ => window.is_last,
        }
    }

    /// The token that begins at `at`, where a word may begin and [`Self::rules_out`] does not say no.
    pub(super) fn find(&self, window: Window<'_>, at: usize) -> Look<Token> {
        match window.from(at) {
            [b'%' | b'\\', ..] => self.find_escaped(window, at),
            [first, ..] => self.search(*first, window, at, at.saturating_add(1)),
            [] => Err(Miss::Unknown),
        }
    }

    /// The first character is written as an escape.
    fn find_escaped(&self, window: Window<'_>, at: usize) -> Look<Token> {
        match window.unescaped(at) {
            Step::Char(b'%' | b'\\', _) | Step::End => Err(Miss::Absent),
            Step::Char(byte, behind) => self.search(byte, window, at, behind),
            Step::Unknown => Err(Miss::Unknown),
        }
    }

    /// Among the shapes that begin with `first`, which ends before `behind`.
    #[cold]
    fn search(&self, first: u8, window: Window<'_>, at: usize, behind: usize) -> Look<Token> {
        let next = window.from(behind);
        let shapes = self.shapes.get(usize::from(first)).map(Vec::as_slice).unwrap_or_default();
        let shapes = shapes.iter().filter_map(|index| SHAPES.get(usize::from(*index)));
        for shape in shapes.filter(|shape| !shape.is_ruled_out(next)) {
            match shape.find(window, at) {
                Err(Miss::Absent) => {}
                found => return found,
            }
        }
        Err(Miss::Absent)
    }
}

fn add(row: &mut [u64; 4], byte: u8) {
    if let Some(word) = row.get_mut(usize::from(byte >> 6)) {
        *word |= 1 << (byte & 63);
    }
}

#[inline]
fn holds(rows: &[[u64; 4]], first: u8, byte: u8) -> bool {
    let row = rows.get(usize::from(first));
    row.and_then(|row| row.get(usize::from(byte >> 6)))
        .is_some_and(|word| word >> (byte & 63) & 1 == 1)
}

const fn shape(rule: &'static str, prefix: &'static str, class: Class, least: usize) -> Shape {
    Shape::new(rule, prefix, class, least)
}

const HEX_LOWER: Class = DIGIT | LOWER_HEX;
const PATH: Class = WORD | PLUS_SLASH | AT | DOT;

/// Every shape, the more telling prefix before the less telling one.
///
/// Rule names are those of gitleaks where it has the format. Where a published format is longer
/// than what is wanted here, the rest is taken as far as it goes.
#[rustfmt::skip]
static SHAPES: &[Shape] = &[
    // Models.
    shape("anthropic-admin-api-key", "sk-ant-admin", WORD, 20).of(&provider::ANTHROPIC),
    shape("anthropic-api-key", "sk-ant-", WORD, 20).of(&provider::ANTHROPIC),
    shape("openrouter-api-key", "sk-or-v1-", HEX, 32).of(&provider::OPENROUTER),
    shape("langfuse-secret-key", "sk-lf-", HEX | DASH, 30),
    shape("openai-api-key", "sk-proj-", WORD, 20).of(&provider::OPENAI),
    shape("openai-api-key", "sk-svcacct-", WORD, 20).of(&provider::OPENAI),
    shape("openai-api-key", "sk-service-", WORD, 20).check(Check::DigitOrCapital).of(&provider::OPENAI),
    shape("openai-api-key", "sk-admin-", WORD, 20).check(Check::DigitOrCapital).of(&provider::OPENAI),
    shape("openai-api-key", "sk-", WORD, 28).check(Check::OpenAi).of(&provider::OPENAI),
    shape("sk-api-key", "sk-", WORD, 20).check(Check::DigitOrCapital),
    shape("sk-api-key", "sk-", LOWER | DIGIT, 32),
    shape("groq-api-key", "gsk_", ALNUM, 40).of(&provider::GROQ),
    shape("xai-api-key", "xai-", ALNUM | UNDERSCORE, 40).of(&provider::XAI),
    shape("replicate-api-token", "r8_", WORD, 30).of(&provider::REPLICATE),
    shape("nvidia-api-key", "nvapi-", WORD, 40).of(&provider::NVIDIA),
    shape("langsmith-api-key", "lsv2_pt_", HEX | UNDERSCORE, 40),
    shape("langsmith-api-key", "lsv2_sk_", HEX | UNDERSCORE, 40),
    shape("pinecone-api-key", "pcsk_", ALNUM | UNDERSCORE, 40).of(&provider::PINECONE),
    shape("perplexity-api-key", "pplx-", ALNUM, 40).of(&provider::PERPLEXITY),
    shape("huggingface-access-token", "hf_", ALNUM, 30).of(&provider::HUGGINGFACE),
    shape("huggingface-organization-api-token", "api_org_", ALNUM, 30).of(&provider::HUGGINGFACE),
    shape("elevenlabs-api-key", "sk_", HEX_LOWER, 40).of(&provider::ELEVENLABS),
    shape("cerebras-api-key", "csk-", ALNUM, 40),
    shape("tavily-api-key", "tvly-", WORD, 20).check(Check::DigitOrCapital),
    shape("firecrawl-api-key", "fc-", HEX_LOWER, 32),
    shape("e2b-api-key", "e2b_", HEX_LOWER, 40),
    // Clouds.
    shape("aws-access-token", "AKIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ASIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ABIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ACCA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "A3T", UPPER | DIGIT, 17).of(&provider::AWS),
    shape("aws-amazon-bedrock-api-key-long-lived", "ABSK", BASE64, 40).of(&provider::AWS),
    shape("aws-amazon-bedrock-api-key-short-lived", "bedrock-api-key-", BASE64, 20).of(&provider::AWS),
    shape("gcp-api-key", "AIza", WORD, 30).of(&provider::GOOGLE),
    shape("gcp-oauth-token", "ya29.", WORD | DOT, 20).of(&provider::GOOGLE),
    shape("gcp-oauth-client-secret", "GOCSPX-", WORD, 20).of(&provider::GOOGLE),
    shape("alibaba-access-key-id", "LTAI", ALNUM, 16),
    shape("digitalocean-pat", "dop_v1_", HEX, 40),
    shape("digitalocean-access-token", "doo_v1_", HEX, 40),
    shape("digitalocean-refresh-token", "dor_v1_", HEX, 40),
    shape("yandex-access-token", "t1.", WORD | DOT | EQUALS, 80).check(Check::DigitAndCapital),
    shape("yandex-api-key", "AQVN", WORD, 30),
    shape("heroku-api-key-v2", "HRKU-AA", WORD, 40),
    shape("flyio-access-token", "fo1_", WORD, 40),
    shape("flyio-access-token", "fm1a_", BASE64, 60),
    shape("flyio-access-token", "fm1r_", BASE64, 60),
    shape("flyio-access-token", "fm2_", BASE64, 60),
    shape("scalingo-api-token", "tk-us-", WORD, 40),
    shape("openshift-user-token", "sha256~", WORD, 40),
    shape("cloudflare-origin-ca-key", "v1.0-", HEX_LOWER | DASH, 60).check(Check::Cloudflare),
    shape("supabase-token", "sbp_", HEX_LOWER, 40),
    shape("netlify-access-token", "nfp_", ALNUM, 36),
    // Code and its tools.
    shape("github-fine-grained-pat", "github_pat_", ALNUM | UNDERSCORE, 36).of(&provider::GITHUB),
    shape("github-pat", "ghp_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-oauth", "gho_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-app-token", "ghu_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-app-token", "ghs_", WORD | DOT, 30).of(&provider::GITHUB),
    shape("github-refresh-token", "ghr_", ALNUM, 30).of(&provider::GITHUB),
    shape("gitlab-pat", "glpat-", WORD | DOT, 20).of(&provider::GITLAB),
    shape("gitlab-deploy-token", "gldt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-feature-flag-client-token", "glffct-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-feed-token", "glft-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-incoming-mail-token", "glimt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-cicd-job-token", "glcbt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-kubernetes-agent-token", "glagent-", WORD, 40).of(&provider::GITLAB),
    shape("gitlab-oauth-app-secret", "gloas-", WORD, 40).of(&provider::GITLAB),
    shape("gitlab-ptt", "glptt-", HEX, 40).of(&provider::GITLAB),
    shape("gitlab-rrt", "GR1348941", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-runner-authentication-token", "glrt-", WORD | DOT, 20).of(&provider::GITLAB),
    shape("gitlab-scim-token", "glsoat-", WORD, 20).of(&provider::GITLAB),
    shape("npm-access-token", "npm_", ALNUM, 30).of(&provider::NPM),
    shape("pypi-upload-token", "pypi-AgEIcHlwaS5vcmc", WORD, 40).of(&provider::PYPI),
    shape("rubygems-api-token", "rubygems_", HEX, 40),
    shape("clojars-api-token", "CLOJARS_", ALNUM, 40),
    shape("clojars-api-token", "clojars_", ALNUM, 40),
    shape("artifactory-api-key", "AKCp", ALNUM, 60),
    shape("artifactory-reference-token", "cmVmd", ALNUM, 59).check(Check::Exact),
    shape("databricks-api-token", "dapi", HEX_LOWER, 32),
    shape("sonar-api-token", "squ_", ALNUM | EQUALS, 36),
    shape("sonar-api-token", "sqp_", ALNUM | EQUALS, 36),
    shape("sonar-api-token", "sqa_", ALNUM | EQUALS, 36),
    shape("sourcegraph-access-token", "sgp_", ALNUM | UNDERSCORE, 40),
    shape("sentry-user-token", "sntryu_", HEX, 40),
    shape("sentry-org-token", "sntrys_", BASE64 | UNDERSCORE, 40),
    shape("postman-api-token", "PMAK-", ALNUM | DASH, 40),
    shape("pulumi-api-token", "pul-", HEX, 40),
    shape("prefect-api-token", "pnu_", ALNUM, 30),
    shape("infracost-api-token", "ico-", ALNUM, 32),
    shape("octopus-deploy-api-key", "API-", UPPER | DIGIT, 26),
    shape("harness-api-key", "pat.", WORD | DOT, 60).check(Check::DigitAndCapital),
    shape("harness-api-key", "sat.", WORD | DOT, 60).check(Check::DigitAndCapital),
    shape("planetscale-api-token", "pscale_tkn_", WORD | DOT | EQUALS, 32),
    shape("planetscale-oauth-token", "pscale_oauth_", WORD | DOT | EQUALS, 32),
    shape("planetscale-password", "pscale_pw_", WORD | DOT | EQUALS, 32),
    shape("clickhouse-cloud-api-secret-key", "4b1d", ALNUM, 38).check(Check::Exact),
    shape("readme-api-token", "rdme_", ALNUM, 40),
    shape("defined-networking-api-token", "dnkey-", WORD | EQUALS, 40),
    shape("intra42-client-secret", "s-s4t2ud-", HEX, 40),
    shape("intra42-client-secret", "s-s4t2af-", HEX, 40),
    shape("settlemint-application-access-token", "sm_aat_", ALNUM, 16),
    shape("settlemint-personal-access-token", "sm_pat_", ALNUM, 16),
    shape("settlemint-service-access-token", "sm_sat_", ALNUM, 16),
    // Secrets of secret keepers.
    shape("vault-service-token", "hvs.", WORD, 24),
    shape("vault-batch-token", "hvb.", WORD, 24),
    shape("vault-recovery-token", "hvr.", WORD, 24),
    shape("vault-service-token", "s.", ALNUM, 24).check(Check::RandomAndExact),
    shape("doppler-api-token", "dp.pt.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.st.", WORD | DOT, 40),
    shape("doppler-api-token", "dp.sa.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.ct.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.scim.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.audit.", ALNUM | DOT, 40),
    shape("age-secret-key", "AGE-SECRET-KEY-1", UPPER | DIGIT, 50),
    shape("1password-service-account-token", "ops_eyJ", BASE64, 40),
    shape("1password-secret-key", "A3-", UPPER | DIGIT | DASH, 30),
    // Money, shops, parcels.
    shape("stripe-access-token", "sk_live_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "sk_test_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "sk_prod_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_live_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_test_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_prod_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-webhook-secret", "whsec_", BASE64, 24).of(&provider::STRIPE),
    shape("square-access-token", "sq0atp-", WORD, 22),
    shape("square-access-token", "sq0csp-", WORD, 22),
    shape("square-access-token", "EAAA", WORD, 22).check(Check::FewAs),
    shape("plaid-api-token", "access-sandbox-", HEX | DASH, 30),
    shape("plaid-api-token", "access-development-", HEX | DASH, 30),
    shape("plaid-api-token", "access-production-", HEX | DASH, 30),
    shape("flutterwave-secret-key", "FLWSECK_TEST-", ALNUM | DASH, 12),
    shape("flutterwave-secret-key", "FLWSECK-", ALNUM | DASH, 12),
    shape("flutterwave-public-key", "FLWPUBK_TEST-", ALNUM | DASH, 20),
    shape("flutterwave-public-key", "FLWPUBK-", ALNUM | DASH, 20),
    shape("shopify-access-token", "shpat_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-custom-access-token", "shpca_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-private-app-access-token", "shppa_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-shared-secret", "shpss_", HEX, 30).of(&provider::SHOPIFY),
    shape("shippo-api-token", "shippo_live_", HEX, 40),
    shape("shippo-api-token", "shippo_test_", HEX, 40),
    shape("easypost-api-token", "EZAK", ALNUM, 40),
    shape("easypost-test-api-token", "EZTK", ALNUM, 40),
    shape("duffel-api-token", "duffel_test_", WORD | EQUALS, 32),
    shape("duffel-api-token", "duffel_live_", WORD | EQUALS, 32),
    shape("lob-api-key", "live_", HEX, 35),
    shape("lob-api-key", "test_", HEX, 35),
    shape("lob-pub-api-key", "live_pub_", HEX, 31),
    shape("lob-pub-api-key", "test_pub_", HEX, 31),
    shape("gocardless-api-token", "live_", WORD | EQUALS, 40).check(Check::DigitAndCapital),
    // Mail, chat, people.
    shape("slack-webhook-url", "hooks.slack.com/services/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-webhook-url", "hooks.slack.com/workflows/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-webhook-url", "hooks.slack.com/triggers/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-config-access-token", "xoxe.xox", WORD | DOT, 20).of(&provider::SLACK),
    shape("slack-config-refresh-token", "xoxe-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-bot-token", "xoxb-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-user-token", "xoxp-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-workspace-token", "xoxa-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-workspace-token", "xoxr-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-token", "xoxo-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-token", "xoxs-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-app-token", "xapp-", WORD, 16).of(&provider::SLACK),
    shape("discord-webhook-url", "discord.com/api/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("discord-webhook-url", "discord.com/api/v10/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("discord-webhook-url", "discordapp.com/api/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("microsoft-teams-webhook", "webhook.office.com/webhookb2/", PATH, 20).check(Check::KeepPrefix),
    shape("microsoft-teams-webhook", "outlook.office.com/webhook/", PATH, 20).check(Check::KeepPrefix),
    shape("telegram-bot-api-token", "api.telegram.org/bot", WORD | COLON, 20).check(Check::KeepPrefix),
    shape("zapier-webhook-url", "hooks.zapier.com/hooks/catch/", PATH, 10).check(Check::KeepPrefix),
    shape("discord-bot-token", "M", WORD | DOT, 57).check(Check::Discord),
    shape("discord-bot-token", "N", WORD | DOT, 57).check(Check::Discord),
    shape("discord-bot-token", "O", WORD | DOT, 57).check(Check::Discord),
    shape("sendgrid-api-token", "SG.", WORD | DOT | EQUALS, 40).of(&provider::SENDGRID),
    shape("sendinblue-api-token", "xkeysib-", ALNUM | DASH, 60),
    shape("mailgun-private-api-token", "key-", HEX_LOWER, 32),
    shape("mailgun-pub-key", "pubkey-", HEX_LOWER, 32),
    shape("twilio-api-key", "SK", HEX, 32).of(&provider::TWILIO),
    shape("facebook-page-access-token", "EAAM", ALNUM, 60),
    shape("facebook-page-access-token", "EAAC", ALNUM, 60),
    shape("linear-api-key", "lin_api_", ALNUM, 32),
    shape("linear-oauth-token", "lin_oauth_", ALNUM, 32),
    shape("notion-api-token", "ntn_", ALNUM, 40),
    shape("airtable-personnal-access-token", "pat", ALNUM | DOT, 79).check(Check::Airtable),
    shape("hubspot-private-app-token", "pat-na1-", HEX | DASH, 30),
    shape("hubspot-private-app-token", "pat-eu1-", HEX | DASH, 30),
    shape("atlassian-api-token", "ATATT3", WORD | EQUALS, 60),
    shape("authress-service-client-access-key", "sc_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "ext_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "scauth_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "authress_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("dropbox-short-lived-api-token", "sl.", WORD | DOT | EQUALS, 60).check(Check::DigitAndCapital),
    shape("typeform-api-token", "tfp_", WORD | DOT | EQUALS, 40),
    shape("mapbox-api-token", "pk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("mapbox-api-token", "tk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("mapbox-api-token", "sk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("adobe-client-secret", "p8e-", ALNUM, 30),
    shape("frameio-api-token", "fio-u-", WORD | EQUALS, 40),
    // Watching.
    shape("grafana-api-key", "eyJrIjoi", BASE64, 60),
    shape("grafana-cloud-api-token", "glc_", BASE64, 32),
    shape("grafana-service-account-token", "glsa_", ALNUM | UNDERSCORE, 32),
    shape("dynatrace-api-token", "dt0c01.", ALNUM | DOT, 60),
    shape("dynatrace-api-token", "dt0s01.", ALNUM | DOT, 60),
    shape("new-relic-user-api-key", "NRAK-", ALNUM, 24),
    shape("new-relic-insert-key", "NRII-", ALNUM | DASH, 24),
    shape("new-relic-browser-api-token", "NRJS-", HEX, 16),
    // Anybody's.
    shape("jwt", "eyJ", WORD | DOT | EQUALS, 17).check(Check::Jwt),
    shape("jwt-base64", "ZXlK", BASE64 | WORD, 60),
    shape("private-key", "b3BlbnNzaC1rZXktdjE", BASE64, 20),
    shape(pem::RULE, "KEY-----", 0, 0).check(Check::Pem),
    shape(pem::RULE, "BLOCK-----", 0, 0).check(Check::Pem),
    // More of them, by what the public detectors know by November 2026.
    shape("docker-hub-token", "dckr_pat_", WORD, 24),
    shape("docker-hub-token", "dckr_oat_", WORD, 24),
    shape("tailscale-key", "tskey-auth-", WORD, 20),
    shape("tailscale-key", "tskey-api-", WORD, 20),
    shape("tailscale-key", "tskey-client-", WORD, 20),
    shape("tailscale-key", "tskey-webhook-", WORD, 20),
    shape("figma-token", "figd_", WORD, 24).check(Check::DigitOrCapital),
    shape("figma-token", "figp_", WORD, 24).check(Check::DigitOrCapital),
    shape("circleci-token", "CCIPAT_", ALNUM | UNDERSCORE, 20),
    shape("circleci-token", "CCIPRJ_", ALNUM | UNDERSCORE, 20),
    shape("buildkite-token", "bkua_", WORD, 40),
    shape("buildkite-token", "bkaa_", WORD, 40),
    shape("buildkite-token", "bkaj_", WORD, 40),
    shape("buildkite-token", "bkar_", WORD, 40),
    shape("buildkite-token", "bkct_", WORD, 40),
    shape("buildkite-token", "bkpt_", WORD, 40),
    shape("buildkite-token", "bkpat_", WORD, 40),
    shape("posthog-key", "phx_", WORD, 24).check(Check::DigitAndCapital),
    shape("posthog-key", "phs_", WORD, 24).check(Check::DigitAndCapital),
    shape("apify-api-token", "apify_api_", ALNUM, 30),
    shape("contentful-token", "CFPAT-", WORD, 40),
    shape("trello-token", "ATTA", HEX_LOWER, 60),
    shape("bitbucket-token", "ATBB", ALNUM, 28).check(Check::DigitAndCapital),
    shape("bitbucket-token", "ATCTT3", WORD | EQUALS, 60),
    shape("neon-api-key", "napi_", ALNUM, 28).check(Check::DigitOrCapital),
    shape("supabase-secret-key", "sb_secret_", WORD, 20).check(Check::DigitOrCapital),
    shape("vercel-token", "vck_", WORD, 24).check(Check::DigitAndCapital),
    shape("vercel-token", "vcp_", WORD, 24).check(Check::DigitAndCapital),
    shape("vercel-token", "vci_", WORD, 24).check(Check::DigitAndCapital),
    shape("vercel-token", "vca_", WORD, 24).check(Check::DigitAndCapital),
    shape("vercel-token", "vcr_", WORD, 24).check(Check::DigitAndCapital),
    shape("together-api-key", "tgp_v1_", WORD, 40),
    shape("jina-api-key", "jina_", WORD, 28).check(Check::DigitAndCapital),
    shape("runpod-api-key", "rpa_", ALNUM, 30).check(Check::DigitAndCapital),
    shape("fireworks-api-key", "fw_", ALNUM, 22).check(Check::DigitCapitalExact),
    shape("voyage-api-key", "pa-", WORD, 40).check(Check::DigitAndCapital),
    shape("anyscale-api-key", "esecret_", ALNUM, 20),
    shape("friendli-token", "flp_", ALNUM, 36).check(Check::DigitAndCapital),
    shape("openai-ephemeral-key", "ek_", ALNUM, 24).check(Check::Digit).of(&provider::OPENAI),
    shape("render-api-key", "rnd_", ALNUM, 24).check(Check::DigitOrCapital),
    shape("honeycomb-key", "hcaik_", ALNUM, 40),
    shape("honeycomb-key", "hcalk_", ALNUM, 40),
    shape("honeycomb-key", "hcamk_", ALNUM, 40),
    shape("gcp-api-key", "AQ.Ab8RN6", WORD, 40).of(&provider::GOOGLE),
    shape("gcp-oauth-refresh-token", "1//0", WORD, 60).of(&provider::GOOGLE),
    shape("aws-session-token", "IQoJb3JpZ2luX2", BASE64, 60).of(&provider::AWS),
    shape("aws-session-token", "FwoGZXIvYXdz", BASE64, 60).of(&provider::AWS),
    shape("aws-mws-token", "amzn.mws.", HEX | DASH, 36).of(&provider::AWS),
    shape("slack-session-token", "xoxc-", WORD | DOT | PLUS_SLASH | EQUALS, 20).check(Check::Digit).of(&provider::SLACK),
    shape("slack-session-token", "xoxd-", WORD | DOT | PLUS_SLASH | EQUALS, 20).check(Check::Digit).of(&provider::SLACK),
    shape("aws-appsync-key", "da2-", ALNUM, 26).check(Check::Digit).of(&provider::AWS),
    shape("cloudsmith-token", "csa_", ALNUM, 36).check(Check::Digit),
    shape("cockroachdb-key", "CCDB1_", ALNUM | UNDERSCORE, 60),
    shape("deno-token", "ddp_", ALNUM, 36),
    shape("devcycle-key", "dvc_server_", WORD, 8).check(Check::Digit),
    shape("devin-key", "cog_", ALNUM, 52),
    shape("devin-key", "apk_", BASE64, 80).check(Check::DigitAndCapital),
    shape("docker-swarm-token", "SWMTKN-1-", ALNUM | DASH, 40),
    shape("docker-swarm-token", "SWMKEY-1-", ALNUM | DASH, 40),
    shape("elastic-cloud-key", "essu_", WORD, 60),
    shape("ionic-token", "ion_", ALNUM, 42),
    shape("lichess-token", "lip_", ALNUM, 16).check(Check::Digit),
    shape("mailersend-token", "mlsn.", ALNUM, 30),
    shape("mongodb-atlas-secret", "mdb_sa_sk_", WORD, 40),
    shape("onesignal-key", "os_v2_app_", ALNUM, 100),
    shape("onesignal-key", "os_v2_org_", ALNUM, 100),
    shape("paddle-key", "pdl_live_apikey_", ALNUM | UNDERSCORE, 50),
    shape("paddle-key", "pdl_sdbx_apikey_", ALNUM | UNDERSCORE, 50),
    shape("pinterest-token", "pina_", WORD, 30).check(Check::DigitAndCapital),
    shape("polar-token", "polar_at_", WORD, 20).check(Check::Digit),
    shape("polar-token", "polar_oat_", WORD, 20).check(Check::Digit),
    shape("polar-token", "polar_pat_", WORD, 20).check(Check::Digit),
    shape("ramp-secret", "ramp_sec_", ALNUM, 48),
    shape("rootly-token", "rootly_", HEX_LOWER, 64),
    shape("wandb-api-key", "wandb_v1_", ALNUM | UNDERSCORE, 77),
    shape("wakatime-key", "waka_", ALNUM | DASH, 36).check(Check::Digit),
    shape("zuplo-key", "zpka_", ALNUM | UNDERSCORE, 40),
    shape("adafruit-io-key", "aio_", ALNUM, 28),
    shape("ubidots-api-key", "BBFF-", ALNUM, 30),
    shape("dependency-track-api-key", "odt_", ALNUM, 32),
    shape("teamwork-token", "tkn.v1_", ALNUM | EQUALS, 71),
    shape("honeybadger-token", "hbp_", ALNUM, 36),
    shape("mercury-api-token", "mercury_production_", ALNUM | UNDERSCORE, 40),
    shape("buildkite-token", "bkps_", WORD, 40),
    shape("bitbucket-data-center-token", "BBDC-", WORD | PLUS_SLASH | AT, 40),
    shape("sourcegraph-license-key", "slk_", HEX_LOWER, 64),
    shape("canva-secret", "cnvca", WORD, 51).check(Check::DigitAndCapital),
    shape("aikido-token", "AIK_CI_", ALNUM, 20),
    shape("aikido-token", "AIK_SECRET_", ALNUM, 20),
    shape("asaas-key", "aact_prod_", WORD, 20),
    shape("asaas-key", "aact_hmlg_", WORD, 20),
    shape("alibaba-sts-token", "STS.", ALNUM, 16).check(Check::Digit),
    shape("govnotify-key", "gcntfy-", WORD, 60),
    shape("brave-api-key", "BSA", ALNUM, 24).check(Check::DigitCapitalExact),
    shape("razorpay-key", "rzp_live_", ALNUM, 14).check(Check::Digit),
    shape("razorpay-key", "rzp_test_", ALNUM, 14).check(Check::Digit),
    shape("notion-api-token", "secret_", ALNUM, 40).check(Check::DigitAndCapital),
    shape("stackhawk-key", "hawk.", WORD | DOT, 30).check(Check::DigitAndCapital),
    shape("voiceflow-key", "VF.", WORD | DOT, 60),
    shape("unkey-key", "unkey_", ALNUM, 20).check(Check::Digit),
    shape("valtown-token", "vtwn_", WORD, 20).check(Check::Digit),
    shape("thunderstore-token", "tss_", WORD, 20).check(Check::DigitAndCapital),
    shape("upcloud-token", "ucat_", ALNUM, 24).check(Check::Digit),
    shape("samsara-token", "samsara_api_", ALNUM, 26),
    shape("onfido-token", "api_live.", WORD, 20).check(Check::DigitOrCapital),
    shape("onfido-token", "api_live_us.", WORD, 20).check(Check::DigitOrCapital),
    shape("onfido-token", "api_live_ca.", WORD, 20).check(Check::DigitOrCapital),
    shape("mergify-key", "mergify_application_key_", WORD, 40),
    shape("persona-key", "persona_production_", WORD, 20).check(Check::Digit),
    shape("persona-key", "persona_sandbox_", WORD, 20).check(Check::Digit),
    shape("live-api-key", "ak_live_", ALNUM, 24),
    shape("live-api-key", "flb_live_", ALNUM, 24),
    shape("flexport-key", "shltm_", WORD, 40),
    shape("scrapfly-key", "scp-live-", HEX_LOWER, 32),
    shape("scrapfly-key", "scp-test-", HEX_LOWER, 32),
    shape("new-relic-key", "NRAA-", ALNUM | DASH, 40),
    shape("new-relic-key", "NRRA-", ALNUM | DASH, 40),
    shape("alchemy-key", "alcht_", ALNUM, 30),
    shape("robinhood-key", "rh-api-", HEX | DASH, 36),
    shape("salad-key", "salad_cloud_", ALNUM, 30),
    shape("resend-api-key", "re_", ALNUM | UNDERSCORE, 24).check(Check::Resend),
    shape("fernet-key", "gAAAAA", WORD | EQUALS, 90).check(Check::FewAs),
    shape("paseto", "v1.local.", WORD, 40),
    shape("paseto", "v2.local.", WORD, 40),
    shape("paseto", "v3.local.", WORD, 40),
    shape("paseto", "v4.local.", WORD, 40),
    shape("private-key", "LS0tLS1CRUdJTi", BASE64, 44).check(Check::Base64Pem),
    shape("rpc-url-key", "g.alchemy.com/v2/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "g.alchemy.com/nft/v3/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "infura.io/v3/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "infura.io/ws/v3/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "quiknode.pro/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "rpc.ankr.com/multichain/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "blastapi.io/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "chainstack.com/", WORD, 20).check(Check::KeepPrefix),
    shape("rpc-url-key", "nodereal.io/v1/", WORD, 20).check(Check::KeepPrefix),
    shape("webhook-url", "hook.eu1.make.com/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "hook.eu2.make.com/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "hook.us1.make.com/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "hook.us2.make.com/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "maker.ifttt.com/use/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "discord.com/api/v9/webhooks/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "discord.com/api/v8/webhooks/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "ptb.discord.com/api/webhooks/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "canary.discord.com/api/webhooks/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "connect.pabbly.com/workflow/sendwebhookdata/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "events.pagerduty.com/integration/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "chat.googleapis.com/v1/spaces/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "open.feishu.cn/open-apis/bot/v2/hook/", PATH, 16).check(Check::KeepPrefix),
    shape("webhook-url", "open.larksuite.com/open-apis/bot/v2/hook/", PATH, 16).check(Check::KeepPrefix),
];
