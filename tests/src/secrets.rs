//! Fake credentials of every known format, made from a seed.
//!
//! A repository with something in it that looks like a key is stopped by the first scanner that
//! sees it, and rightly. So no key is written here: a [`Format`] is a template such as
//! `ghp_{a36}`, and each key is made from it when a test runs.
//!
//! Source of the formats: the rules of gitleaks (222 of them, under its names) and, for what it
//! does not have, the detectors of trufflehog and the documentation of the providers.

use std::ops::Range;

/// Numbers from a seed: SplitMix64, by Steele, Lea and Flood. The same seed, the same numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next_u64() % bound as u64) as usize
    }

    /// One of `choices`, of which there is at least one.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// `length` characters out of `alphabet`.
    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet.as_bytes()))).collect()
    }
}

/// A kind of credential that its own characters give away.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The rule that counts it in an entry.
    pub rule: &'static str,
    template: &'static str,
}

/// A made-up credential, with what stands around it where that belongs to the format.
#[derive(Clone, Debug)]
pub struct Fake {
    /// All of it, such as `https://user:password@host`.
    pub text: String,
    /// What of it is secret, such as `user:password`. An id before it and the headers of a key are
    /// not.
    pub secret: Range<usize>,
    /// Where that begins together with what may go too, such as the headers of a key.
    wider: usize,
}

impl Fake {
    /// What precedes the secret.
    pub fn before(&self) -> &str {
        &self.text[..self.secret.start]
    }

    /// What nobody may see.
    pub fn secret(&self) -> &str {
        &self.text[self.secret.clone()]
    }

    /// The same with all of it secret that may go.
    pub fn wider(&self) -> Self {
        Self { secret: self.wider..self.secret.end, ..self.clone() }
    }

    /// What follows the secret.
    pub fn after(&self) -> &str {
        &self.text[self.secret.end..]
    }
}

impl Format {
    /// A new credential.
    pub fn make(&self, random: &mut Random) -> Fake {
        Fake::new(self.template, random)
    }

    /// What a report may show of it: how it begins, which everybody knows.
    pub fn hint(&self) -> &'static str {
        hint(self.template)
    }
}

/// What every credential of a template begins with.
pub fn hint(template: &str) -> &str {
    let end = template.find(['{', '«', '‹']).unwrap_or_default();
    &template[..end]
}

impl Fake {
    /// A credential of a template.
    pub fn new(template: &str, random: &mut Random) -> Self {
        let mut text = String::new();
        let (mut wider, mut secret, mut end) = (None, None, None);
        let mut rest = template;
        while let Some(at) = rest.find(['{', '«', '‹', '›']) {
            text.push_str(&rest[..at]);
            let mark = rest[at..].chars().next().unwrap_or_default();
            rest = &rest[at + mark.len_utf8()..];
            match mark {
                '«' => wider = Some(text.len()),
                '‹' => secret = Some(text.len()),
                '›' => end = Some(text.len()),
                _ => {
                    let (group, behind) = rest.split_once('}').unwrap_or((rest, ""));
                    text.push_str(&characters(group, random));
                    rest = behind;
                }
            }
        }
        text.push_str(rest);
        let secret = secret.unwrap_or(0)..end.unwrap_or(text.len());
        Self { wider: wider.unwrap_or(secret.start), text, secret }
    }
}

/// `a36` is 36 letters and digits; an empty group is nothing, and keeps a scanner from reading on.
fn characters(group: &str, random: &mut Random) -> String {
    let mut letters = group.chars();
    let Some(class) = letters.next() else { return String::new() };
    if group == "json" {
        return base64url(&format!("{{\"alg\":\"HS256\",\"kid\":\"{}\"}}", random.text(DIGITS, 6)));
    }
    let length = letters.as_str().parse().unwrap_or_default();
    match class {
        'a' => random.text(&[LOWER, UPPER, DIGITS].concat(), length),
        'A' => random.text(&[LOWER, UPPER].concat(), length),
        'l' => random.text(&[LOWER, DIGITS].concat(), length),
        'u' => random.text(&[UPPER, DIGITS].concat(), length),
        'U' => random.text(&[UPPER, "234567"].concat(), length),
        'h' => random.text("0123456789abcdef", length),
        'x' => random.text("0123456789abcdefABCDEF", length),
        'g' => random.text("0123456789abcdefgh", length),
        'd' => random.text(DIGITS, length),
        'q' => random.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", length),
        'b' => random.text(&[LOWER, UPPER, DIGITS, "+/"].concat(), length),
        'w' => random.text(&[LOWER, UPPER, DIGITS, "_-"].concat(), length),
        'W' => random.text(&[LOWER, UPPER, DIGITS, "_"].concat(), length),
        'n' => lines(random, length),
        _ => String::new(),
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// Base64 in lines of 64 characters, as in a PEM file.
fn lines(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| format!("{}\n", characters("b64", random))).collect()
}

/// Base64 for URLs (RFC 4648, section 5), without padding.
pub fn base64url(text: &str) -> String {
    let alphabet = [UPPER, LOWER, DIGITS, "-_"].concat();
    let sextet = |group: u32, place: u32| {
        char::from(alphabet.as_bytes()[(group >> (18 - 6 * place) & 63) as usize])
    };
    text.as_bytes()
        .chunks(3)
        .flat_map(|bytes| {
            let byte = |at: usize| u32::from(*bytes.get(at).unwrap_or(&0));
            let group = byte(0) << 16 | byte(1) << 8 | byte(2);
            (0..=bytes.len() as u32).map(move |place| (group, place))
        })
        .map(|(group, place)| sextet(group, place))
        .collect()
}

const fn format(rule: &'static str, template: &'static str) -> Format {
    Format { rule, template }
}

/// Every format that its own characters give away: a prefix, or a mark within.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    // Models.
    format("anthropic-api-key", "sk-ant-api03-{w93}AA"),
    format("anthropic-admin-api-key", "sk-ant-admin01-{w93}AA"),
    format("openai-api-key", "sk-proj-{w74}T3Blbk{}FJ{w74}"),
    format("openai-api-key", "sk-proj-{w58}T3Blbk{}FJ{w58}"),
    format("openai-api-key", "sk-svcacct-{w74}T3Blbk{}FJ{w74}"),
    format("openai-api-key", "sk-service-{w58}T3Blbk{}FJ{w58}"),
    format("openai-api-key", "sk-admin-{w58}T3Blbk{}FJ{w58}"),
    format("openai-api-key", "sk-{a20}T3Blbk{}FJ{a20}"),
    format("sk-api-key", "sk-{l32}"),
    format("sk-api-key", "sk-{a48}"),
    format("openrouter-api-key", "sk-or-v1-{h64}"),
    format("langfuse-secret-key", "sk-lf-{h8}-{h4}-{h4}-{h4}-{h12}"),
    format("groq-api-key", "gsk_{a52}"),
    format("xai-api-key", "xai-{W80}"),
    format("replicate-api-token", "r8_{w37}"),
    format("nvidia-api-key", "nvapi-{w64}"),
    format("langsmith-api-key", "lsv2_pt_{h32}_{h10}"),
    format("langsmith-api-key", "lsv2_sk_{h32}_{h10}"),
    format("pinecone-api-key", "pcsk_{a6}_{a63}"),
    format("pinecone-api-key", "pcsk_{a5}_{a63}"),
    format("perplexity-api-key", "pplx-{a48}"),
    format("huggingface-access-token", "hf_{A34}"),
    format("huggingface-organization-api-token", "api_org_{A34}"),
    format("elevenlabs-api-key", "sk_{h48}"),
    // Clouds.
    format("aws-access-token", "AKIA{U16}"),
    format("aws-access-token", "ASIA{U16}"),
    format("aws-access-token", "ABIA{U16}"),
    format("aws-access-token", "ACCA{U16}"),
    format("aws-access-token", "A3T{u1}{U16}"),
    format("aws-amazon-bedrock-api-key-long-lived", "ABSK{b109}=="),
    format("aws-amazon-bedrock-api-key-long-lived", "ABSK{b269}"),
    format("aws-amazon-bedrock-api-key-short-lived", "bedrock-api-key-YmVkcm9j{}ay5hbWF6b25hd3MuY29t{b60}"),
    format("azure-ad-client-secret", "{a3}{d1}Q~‹{w34}›"),
    format("azure-ad-client-secret", "{a2}_{d1}Q~‹{a10}.{a10}~{a10}›"),
    format("gcp-api-key", "AIza{w35}"),
    format("gcp-oauth-token", "ya29.a0{w80}"),
    format("gcp-oauth-client-secret", "GOCSPX-{w28}"),
    format("alibaba-access-key-id", "LTAI{a20}"),
    format("digitalocean-pat", "dop_v1_{h64}"),
    format("digitalocean-access-token", "doo_v1_{h64}"),
    format("digitalocean-refresh-token", "dor_v1_{h64}"),
    format("yandex-access-token", "t1.9{w30}.{w86}"),
    format("yandex-api-key", "AQVN{w36}"),
    format("heroku-api-key-v2", "HRKU-AA{w58}"),
    format("flyio-access-token", "fo1_{w43}"),
    format("flyio-access-token", "fm1a_{b120}=="),
    format("flyio-access-token", "fm1r_{b120}="),
    format("flyio-access-token", "fm2_{b120}"),
    format("scalingo-api-token", "tk-us-{w48}"),
    format("openshift-user-token", "sha256~{w43}"),
    format("cloudflare-origin-ca-key", "v1.0-{h24}-{h146}"),
    format("hashicorp-tf-api-token", "{a14}.atlasv{}1.‹{w64}›"),
    format("maxmind-license-key", "{a6}_‹{a29}_mmk›"),
    // Code and its tools.
    format("github-fine-grained-pat", "github_pat_{a22}_{a59}"),
    format("github-fine-grained-pat", "github_pat_{W82}"),
    format("github-pat", "ghp_{a36}"),
    format("github-oauth", "gho_{a36}"),
    format("github-app-token", "ghu_{a36}"),
    format("github-app-token", "ghs_{a36}"),
    format("github-refresh-token", "ghr_{a36}"),
    format("gitlab-pat", "glpat-{w20}"),
    format("gitlab-pat", "glpat-{w27}.{l9}"),
    format("gitlab-cicd-job-token", "glcbt-{a2}_{w20}"),
    format("gitlab-deploy-token", "gldt-{w20}"),
    format("gitlab-feature-flag-client-token", "glffct-{w20}"),
    format("gitlab-feed-token", "glft-{w20}"),
    format("gitlab-incoming-mail-token", "glimt-{w25}"),
    format("gitlab-kubernetes-agent-token", "glagent-{w50}"),
    format("gitlab-oauth-app-secret", "gloas-{w64}"),
    format("gitlab-ptt", "glptt-{h40}"),
    format("gitlab-rrt", "GR1348941{w20}"),
    format("gitlab-runner-authentication-token", "glrt-{w20}"),
    format("gitlab-runner-authentication-token", "glrt-t1_{w27}.{l9}"),
    format("gitlab-scim-token", "glsoat-{w20}"),
    format("npm-access-token", "npm_{a36}"),
    format("pypi-upload-token", "pypi-AgEIcHlw{}aS5vcmc{w80}"),
    format("rubygems-api-token", "rubygems_{h48}"),
    format("clojars-api-token", "CLOJARS_{l60}"),
    format("artifactory-api-key", "AKCp{a69}"),
    format("artifactory-reference-token", "cmVmd{a59}"),
    format("databricks-api-token", "dapi{h32}"),
    format("databricks-api-token", "‹dapi{h32}›-{d1}"),
    format("sonar-api-token", "squ_{l40}"),
    format("sonar-api-token", "sqp_{l40}"),
    format("sonar-api-token", "sqa_{l40}"),
    format("sourcegraph-access-token", "sgp_{x16}_{x40}"),
    format("sourcegraph-access-token", "sgp_local_{x40}"),
    format("sourcegraph-access-token", "sgp_{x40}"),
    format("sentry-user-token", "sntryu_{h64}"),
    format("sentry-org-token", "sntrys_eyJpYXQiO{b60}LCJyZWdpb25fdXJs{b60}=_{b43}"),
    format("postman-api-token", "PMAK-{h24}-{h34}"),
    format("pulumi-api-token", "pul-{h40}"),
    format("prefect-api-token", "pnu_{a36}"),
    format("infracost-api-token", "ico-{a32}"),
    format("octopus-deploy-api-key", "API-{u26}"),
    format("harness-api-key", "pat.{w22}.{a24}.{a20}"),
    format("harness-api-key", "sat.{w22}.{a24}.{a20}"),
    format("planetscale-api-token", "pscale_tkn_{w43}"),
    format("planetscale-oauth-token", "pscale_oauth_{w32}"),
    format("planetscale-password", "pscale_pw_{w43}"),
    format("clickhouse-cloud-api-secret-key", "4b1d{a38}"),
    format("readme-api-token", "rdme_{l70}"),
    format("defined-networking-api-token", "dnkey-{w26}-{w52}"),
    format("intra42-client-secret", "s-s4t2ud-{h64}"),
    format("intra42-client-secret", "s-s4t2af-{h64}"),
    format("settlemint-application-access-token", "sm_aat_{a16}"),
    format("settlemint-personal-access-token", "sm_pat_{a16}"),
    format("settlemint-service-access-token", "sm_sat_{a16}"),
    // Secrets of secret keepers.
    format("vault-service-token", "hvs.{w90}"),
    format("vault-service-token", "s.{a24}"),
    format("vault-batch-token", "hvb.{w138}"),
    format("doppler-api-token", "dp.pt.{a43}"),
    format("age-secret-key", "AGE-SECRET-KEY-1{q58}"),
    format("1password-service-account-token", "ops_eyJ{b250}="),
    format("1password-secret-key", "A3-{u6}-{u11}-{u5}-{u5}-{u5}"),
    format("1password-secret-key", "A3-{u6}-{u6}-{u5}-{u5}-{u5}-{u5}"),
    // Money, shops, parcels.
    format("stripe-access-token", "sk_live_{a24}"),
    format("stripe-access-token", "sk_live_{a99}"),
    format("stripe-access-token", "sk_test_{a24}"),
    format("stripe-access-token", "sk_prod_{a10}"),
    format("stripe-access-token", "rk_live_{a24}"),
    format("stripe-access-token", "rk_test_{a24}"),
    format("stripe-access-token", "rk_prod_{a24}"),
    format("stripe-webhook-secret", "whsec_{a32}"),
    format("square-access-token", "EAAA{w60}"),
    format("square-access-token", "sq0atp-{w22}"),
    format("plaid-api-token", "access-sandbox-{h8}-{h4}-{h4}-{h4}-{h12}"),
    format("plaid-api-token", "access-development-{h8}-{h4}-{h4}-{h4}-{h12}"),
    format("plaid-api-token", "access-production-{h8}-{h4}-{h4}-{h4}-{h12}"),
    format("flutterwave-secret-key", "FLWSECK_TEST-{g12}"),
    format("flutterwave-secret-key", "FLWSECK_TEST-{g32}-X"),
    format("flutterwave-public-key", "FLWPUBK_TEST-{g32}-X"),
    format("shopify-access-token", "shpat_{x32}"),
    format("shopify-custom-access-token", "shpca_{x32}"),
    format("shopify-private-app-access-token", "shppa_{x32}"),
    format("shopify-shared-secret", "shpss_{x32}"),
    format("shippo-api-token", "shippo_live_{x40}"),
    format("shippo-api-token", "shippo_test_{x40}"),
    format("easypost-api-token", "EZAK{a54}"),
    format("easypost-test-api-token", "EZTK{a54}"),
    format("duffel-api-token", "duffel_test_{w43}"),
    format("duffel-api-token", "duffel_live_{w43}"),
    format("lob-api-key", "live_{h35}"),
    format("lob-api-key", "test_{h35}"),
    format("lob-pub-api-key", "live_pub_{h31}"),
    format("lob-pub-api-key", "test_pub_{h31}"),
    format("gocardless-api-token", "live_{w40}"),
    // Mail, chat, people.
    format("slack-bot-token", "xoxb-{d12}-{d13}-{a24}"),
    format("slack-bot-token", "xoxb-{d10}-{a24}"),
    format("slack-user-token", "xoxp-{d11}-{d12}-{d13}-{h32}"),
    format("slack-config-refresh-token", "xoxe-{d11}-{d12}-{d13}-{a30}"),
    format("slack-app-token", "xapp-1-{u11}-{d13}-{h64}"),
    format("slack-legacy-workspace-token", "xoxa-2-{a40}"),
    format("slack-legacy-workspace-token", "xoxr-{a20}"),
    format("slack-legacy-token", "xoxo-{d9}-{d9}-{d9}-{h10}"),
    format("slack-legacy-token", "xoxs-{d9}-{d9}-{d9}-{h10}"),
    format("slack-config-access-token", "xoxe.xoxp-1-{u163}"),
    format("slack-config-access-token", "xoxe.xoxb-1-{u166}"),
    format("slack-config-refresh-token", "xoxe-1-{u146}"),
    format("slack-webhook-url", "https://hooks.slack.com/services/‹T{u8}/B{u8}/{a24}›"),
    format("slack-webhook-url", "https://hooks.slack.com/workflows/‹T{u10}/A{u10}/{d18}/{a24}›"),
    format("slack-webhook-url", "https://hooks.slack.com/triggers/‹T{u10}/{d13}/{h32}›"),
    format("discord-webhook-url", "https://discord.com/api/webhooks/‹{d18}/{w68}›"),
    format("discord-webhook-url", "https://discordapp.com/api/webhooks/‹{d18}/{w68}›"),
    format("microsoft-teams-webhook", "https://contoso.webhook.office.com/webhookb2/‹{h8}-{h4}-{h4}-{h4}-{h12}@{h8}-{h4}-{h4}-{h4}-{h12}/IncomingWebhook/{h32}/{h8}-{h4}-{h4}-{h4}-{h12}›"),
    format("telegram-bot-api-token", "{d10}:‹A{w34}›"),
    format("telegram-bot-api-token", "https://api.telegram.org/bot‹{d10}:AA{w33}›/getMe"),
    format("sendgrid-api-token", "SG.{w22}.{w43}"),
    format("sendinblue-api-token", "xkeysib-{h64}-{a16}"),
    format("mailgun-private-api-token", "key-{h32}"),
    format("mailgun-pub-key", "pubkey-{h32}"),
    format("twilio-api-key", "SK{h32}"),
    format("facebook-page-access-token", "EAAM{a120}"),
    format("facebook-page-access-token", "EAAC{a120}"),
    format("linear-api-key", "lin_api_{a40}"),
    format("notion-api-token", "ntn_{d11}{a35}"),
    format("airtable-personnal-access-token", "pat{a14}.{h64}"),
    format("atlassian-api-token", "ATATT3{w177}={h8}"),
    format("authress-service-client-access-key", "sc_{l12}.{l5}.acc-{l20}.{b60}"),
    format("authress-service-client-access-key", "ext_{l12}.{l5}.acc_{l20}.{b60}"),
    format("authress-service-client-access-key", "scauth_{l12}.{l4}.acc-{l10}.{b60}"),
    format("authress-service-client-access-key", "authress_{l30}.{l6}.acc-{l32}.{b120}"),
    format("dropbox-short-lived-api-token", "sl.{w135}"),
    format("typeform-api-token", "tfp_{w59}"),
    format("mapbox-api-token", "pk.{l60}.{l22}"),
    format("adobe-client-secret", "p8e-{a32}"),
    format("frameio-api-token", "fio-u-{w64}"),
    // Watching.
    format("grafana-api-key", "eyJrIjoi{a80}=="),
    format("grafana-cloud-api-token", "glc_{b80}="),
    format("grafana-service-account-token", "glsa_{a32}_{x8}"),
    format("dynatrace-api-token", "dt0c01.{a24}.{l64}"),
    format("new-relic-user-api-key", "NRAK-{u27}"),
    format("new-relic-insert-key", "NRII-{l10}-{l21}"),
    format("new-relic-browser-api-token", "NRJS-{h19}"),
    // Anybody's.
    format("jwt", "{json}.eyJ{w60}.{w43}"),
    format("jwt", "{json}.eyJ{w400}.{w342}"),
    format("jwt", "{json}..{w16}.{w120}.{w22}"),
    format("jwt-base64", "ZXlKaGJHY2lPaUp{a200}"),
    format("private-key", "-----BEGIN {}PRIVATE KEY-----«\n‹{n26}›-----END {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN RSA {}PRIVATE KEY-----«\n‹{n25}›-----END RSA {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN EC {}PRIVATE KEY-----«\n‹{n3}›-----END EC {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN OPENSSH {}PRIVATE KEY-----«\n‹b3BlbnNzaC1rZXkt{n6}›-----END OPENSSH {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN ENCRYPTED {}PRIVATE KEY-----«\n‹{n28}›-----END ENCRYPTED {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN RSA {}PRIVATE KEY-----«\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{u32}\n\n‹{n25}›-----END RSA {}PRIVATE KEY-----"),
    format("private-key", "-----BEGIN PGP {}PRIVATE KEY BLOCK-----«\nVersion: GnuPG v2\nComment: {a12} <a@b.example>\n\n‹{n20}={b4}\n›-----END PGP {}PRIVATE KEY BLOCK-----"),
    format("url-userinfo", "postgres://‹app:{a20}›@db.example.com:5432/main"),
    format("url-userinfo", "https://‹{l8}:{a12}%21{a4}›@git.example.com/a.git"),
    format("url-userinfo", "redis://‹:{a24}›@cache.example.com"),
    format("bearer-token", "Bearer ‹{w40}›"),
    format("bearer-token", "Bearer ‹{a20}.{a20}~+/{a20}==›"),
    format("basic-credentials", "Basic ‹{b40}==›"),
];

/// The rules of gitleaks that rest on a word nearby: what they look for is letters and digits like
/// any other, or a whole file. Such a value is masked where its field's name says what it is.
pub const CONTEXTUAL: &[&str] = &[
    "adafruit-api-key",
    "adobe-client-id",
    "airtable-api-key",
    "algolia-api-key",
    "alibaba-secret-key",
    "asana-client-id",
    "asana-client-secret",
    "beamer-api-token",
    "bitbucket-client-id",
    "bitbucket-client-secret",
    "bittrex-access-key",
    "bittrex-secret-key",
    "cisco-meraki-api-key",
    "cloudflare-api-key",
    "cloudflare-global-api-key",
    "codecov-access-token",
    "cohere-api-token",
    "coinbase-access-token",
    "confluent-access-token",
    "confluent-secret-key",
    "contentful-delivery-api-token",
    "curl-auth-user",
    "datadog-access-token",
    "discord-api-token",
    "discord-client-id",
    "discord-client-secret",
    "droneci-access-token",
    "dropbox-api-token",
    "dropbox-long-lived-api-token",
    "etsy-access-token",
    "facebook-access-token",
    "facebook-secret",
    "fastly-api-token",
    "finicity-api-token",
    "finicity-client-secret",
    "finnhub-access-token",
    "flickr-access-token",
    "freemius-secret-key",
    "freshbooks-access-token",
    "generic-api-key",
    "gitlab-session-cookie",
    "gitter-access-token",
    "hashicorp-tf-password",
    "heroku-api-key",
    "hubspot-api-key",
    "intercom-api-key",
    "jfrog-api-key",
    "jfrog-identity-token",
    "kraken-access-token",
    "kubernetes-secret-yaml",
    "kucoin-access-token",
    "kucoin-secret-key",
    "launchdarkly-access-token",
    "linear-client-secret",
    "linkedin-client-id",
    "linkedin-client-secret",
    "looker-client-id",
    "looker-client-secret",
    "mailchimp-api-key",
    "mailgun-signing-key",
    "mattermost-access-token",
    "messagebird-api-token",
    "messagebird-client-id",
    "netlify-access-token",
    "new-relic-user-api-id",
    "nuget-config-password",
    "nytimes-access-token",
    "okta-access-token",
    "pkcs12-file",
    "plaid-client-id",
    "plaid-secret-key",
    "privateai-api-token",
    "rapidapi-access-token",
    "sendbird-access-id",
    "sendbird-access-token",
    "sentry-access-token",
    "sidekiq-secret",
    "snyk-api-token",
    "squarespace-access-token",
    "sumologic-access-id",
    "sumologic-access-token",
    "travisci-access-token",
    "twitch-api-token",
    "twitter-access-secret",
    "twitter-access-token",
    "twitter-api-key",
    "twitter-api-secret",
    "twitter-bearer-token",
    "yandex-aws-access-token",
    "zendesk-secret-key",
];

/// Rules of gitleaks whose values are those of another one's format.
pub const SAME_AS_OTHERS: &[(&str, &str)] = &[
    ("curl-auth-header", "bearer-token"),
    ("flutterwave-encryption-key", "flutterwave-secret-key"),
    ("gitlab-pat-routable", "gitlab-pat"),
    ("gitlab-runner-authentication-token-routable", "gitlab-runner-authentication-token"),
    ("sidekiq-sensitive-url", "url-userinfo"),
    ("slack-legacy-bot-token", "slack-bot-token"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_published_rule_is_a_format_or_is_said_to_be_none() {
        let own = [
            "bearer-token",
            "basic-credentials",
            "url-userinfo",
            "sk-api-key",
            "openrouter-api-key",
            "langfuse-secret-key",
            "groq-api-key",
            "xai-api-key",
            "replicate-api-token",
            "nvidia-api-key",
            "langsmith-api-key",
            "pinecone-api-key",
            "elevenlabs-api-key",
            "gcp-oauth-token",
            "gcp-oauth-client-secret",
            "stripe-webhook-secret",
            "discord-webhook-url",
        ];
        let formats: BTreeSet<&str> = FORMATS.iter().map(|format| format.rule).collect();
        let published = formats.iter().filter(|rule| !own.contains(rule)).count();
        assert_eq!(published + CONTEXTUAL.len() + SAME_AS_OTHERS.len(), 222);
        assert!(CONTEXTUAL.iter().all(|rule| !formats.contains(rule)));
        assert!(SAME_AS_OTHERS.iter().all(|(_, rule)| formats.contains(rule)));
    }

    #[test]
    fn a_seed_gives_the_same_credentials_again() {
        for format in FORMATS {
            let [first, second] = [1, 1].map(|seed| format.make(&mut Random::new(seed)).text);
            assert_eq!(first, second, "{}", format.rule);
            assert_ne!(first, format.make(&mut Random::new(2)).text, "{}", format.rule);
        }
    }

    #[test]
    fn a_template_says_what_is_secret() {
        let telegram = format("", "{d3}:‹A{}{w4}›/x").make(&mut Random::new(7));
        assert_eq!(telegram.before().len(), 4);
        assert_eq!(telegram.secret().len(), 5);
        assert_eq!(telegram.after(), "/x");
        assert_eq!(format("", "a«b‹c›d").make(&mut Random::new(7)).wider().secret(), "bc");
        assert_eq!(format("", "a‹b{d3}›").hint(), "a");
    }

    #[test]
    fn base64_for_urls_has_no_padding() {
        for (text, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("?>", "Pz4")]
        {
            assert_eq!(base64url(text), encoded);
        }
    }
}
