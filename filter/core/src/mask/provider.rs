//! Who gives out credentials, and where they belong.

/// Who gives out a kind of credential, as far as its shape tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// A lower-case name, such as `aws`.
    pub name: &'static str,
    /// The domains at which its credentials belong, such as `amazonaws.com`.
    pub domains: &'static [&'static str],
}

impl Provider {
    /// Whether its credentials belong at `host`, in lower case and with or without a port: one of
    /// its domains or a name below one.
    pub fn owns(&self, host: &str) -> bool {
        let host = host.split(':').next().unwrap_or_default();
        self.domains.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

macro_rules! providers {
    ($($constant:ident = $name:literal at $($domain:literal),+;)+) => {
        $(pub(super) static $constant: Provider =
            Provider { name: $name, domains: &[$($domain),+] };)+
    };
}

providers! {
    ANTHROPIC = "anthropic" at "anthropic.com", "claude.com";
    AWS = "aws" at "amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.amazon.com";
    ELEVENLABS = "elevenlabs" at "elevenlabs.io";
    GITHUB = "github" at "github.com", "githubcopilot.com", "githubusercontent.com", "ghcr.io", "ghe.com";
    GITLAB = "gitlab" at "gitlab.com";
    GOOGLE = "google" at "googleapis.com", "google.com", "gstatic.com";
    GROQ = "groq" at "groq.com";
    HUGGINGFACE = "huggingface" at "huggingface.co", "hf.co", "hf.space", "huggingface.cloud";
    NPM = "npm" at "npmjs.org", "npmjs.com";
    NVIDIA = "nvidia" at "nvidia.com";
    OPENAI = "openai" at "openai.com";
    OPENROUTER = "openrouter" at "openrouter.ai";
    PERPLEXITY = "perplexity" at "perplexity.ai";
    PINECONE = "pinecone" at "pinecone.io";
    PYPI = "pypi" at "pypi.org", "pythonhosted.org";
    REPLICATE = "replicate" at "replicate.com", "replicate.delivery";
    SENDGRID = "sendgrid" at "sendgrid.com", "sendgrid.net";
    SHOPIFY = "shopify" at "shopify.com", "myshopify.com";
    SLACK = "slack" at "slack.com";
    STRIPE = "stripe" at "stripe.com";
    TELEGRAM = "telegram" at "telegram.org";
    TWILIO = "twilio" at "twilio.com";
    XAI = "xai" at "x.ai";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_belongs_to_its_providers_domains() {
        for (host, owned) in [
            ("openai.com", true),
            ("api.openai.com", true),
            ("api.openai.com:8443", true),
            ("notopenai.com", false),
            ("openai.com.example", false),
            ("", false),
        ] {
            assert_eq!(OPENAI.owns(host), owned, "{host}");
        }
    }
}
