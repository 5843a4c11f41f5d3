//! The words of which names of secrets are made, folded: lower case, without signs.
//!
//! A name is read from its end. Its *head* says what it holds (`password`, `api` + `key`), *tail*
//! words may follow (`password_old`, `API_KEY_PROD`), and some words turn the meaning: the *hash* of
//! a password, the *next* page's token, whether a key *is* there. Sources: the default deny lists of
//! Sentry, Elastic APM and Rails, OpenTelemetry's `url.query` convention, the keywords of the public
//! detectors, the names that providers use, and the false finds in a gigabyte of public source code.

use super::names::{Family, Kind};

/// Passwords, wherever they end a word: `dbpassword`. The Latin ones and others.
pub(super) const PASSWORDS: &str = "password passwords passwd passwds passphrase passphrases passcode passcodes pwd pswd passwrd passwort \
     kennwort contrasena contraseña senha wachtwoord haslo hasło losenord lösenord salasana parola motdepasse \
     пароль Пароль ПАРОЛЬ 密码 密碼 パスワード 비밀번호 palavrapasse heslo jelszó jelszo passord adgangskode requirepass şifre Şifre";

/// Keys, wherever they end a word: `openaiapikey`.
pub(super) const KEYS: &str = "apikey apikeys secretkey accesskey accesskeyid privatekey signingkey encryptionkey subscriptionkey";

/// Whole words, alone or put together from up to four parts of a name.
pub(super) const HEADS: &[(Kind, &str)] = &[
    (
        Kind::always(Family::Password),
        "dbpass smtppass userpass ftppass mailpass sshpass keypass storepass becomepass proxypass mysqlpass \
        pgpass pgpassword userpw dbpw mdp sifre psw passw",
    ),
    (Kind::texts(Family::Password), "pass pw wpapsk wifipsk securestring"),
    (Kind::always(Family::Secret), "secretstring secretvalue secretbinary secretkeybase"),
    (
        Kind::always(Family::Key),
        "secretaccesskey privkey decryptionkey sharedkey sharedaccesskey masterkey accountkey authkey licensekey \
        servicekey deploykey hmackey aeskey consumerkey applicationkey apisecret presharedkey webhookkey keymaterial clientsecretkey",
    ),
    (
        Kind::tested(Family::Key),
        "accesskey storagekey sessionkey functionkey hostkey ingestkey integrationkey writekey adminkey rootkey \
        userkey dbkey databasekey clientkey appkey",
    ),
    (
        Kind::always(Family::Token),
        "accesstoken accesstokens refreshtoken refreshtokens authtoken authtokens apitoken apitokens sessiontoken \
        bearertoken csrftoken xsrftoken idtoken usertoken securitytoken tokenvalue secrettoken bottoken oauthtoken bearertokens",
    ),
    (
        Kind::always(Family::Credential),
        "credential credentials creds authorization auth jwt cookie cookies csrf xsrf connectionstring \
        connectsid phpsessid jsessionid gitlabsession aiohttpsession codeverifier clientassertion assertion samlresponse \
        htpasswd dockerconfigjson seedphrase",
    ),
    (Kind::tested(Family::Credential), "cred bearer mnemonic sas pat"),
    (Kind::tested(Family::Key), "apischlüssel apischluessel apiキー 密钥 密鑰 令牌"),
    (Kind::tested(Family::Password), "clave"),
    (
        Kind::always(Family::Number),
        "otp cvv cvc cvv2 ssn socialsecuritynumber cardnumber ccnumber ccnum securitycode totp",
    ),
    (
        Kind::tested(Family::Number),
        "pin pincode mfacode twofactorcode recoverycode recoverycodes backupcode backupcodes",
    ),
];

/// In a query or a form only: elsewhere they say too little.
pub(super) const IN_QUERY: &str = "key sig signature hmac xamzsignature xamzcredential xgoogsignature xgoogcredential awsaccesskeyid \
     googleaccessid ossaccesskeyid";

/// Names of cookies that hold a session: they are secret in a `Cookie:` line of a text too.
pub(super) const SESSION_COOKIES: &str =
    "connectsid phpsessid jsessionid gitlabsession aiohttpsession";

/// Whose keys are called by their name: `OPENAI_KEY`.
pub(super) const VENDORS: &str = "openai anthropic claude azure aws gcp google gemini vertex github gitlab bitbucket stripe datadog dd \
     newrelic sentry slack discord telegram twilio sendgrid mailgun mailchimp mailjet postmark resend brevo hf huggingface cohere mistral groq \
     together perplexity replicate deepseek openrouter fireworks xai grok nvidia voyage jina tavily serper serpapi exa firecrawl brave bing \
     pinecone weaviate qdrant supabase firebase algolia elastic elasticsearch cloudflare digitalocean heroku linode vultr hetzner netlify vercel \
     render railway fly maps mapbox here weather openweather openweathermap tomtom notion airtable linear jira atlassian asana trello hubspot \
     salesforce zendesk intercom shopify paypal square braintree adyen plaid coinbase binance alchemy infura etherscan moralis launchdarkly segment \
     amplitude mixpanel posthog sonar snyk npm pypi docker dockerhub quay jfrog artifactory terraform vault consul doppler pulumi wandb langsmith \
     langfuse helicone litellm elevenlabs deepgram assemblyai stability runpod modal modelscope dashscope zhipu moonshot qwen baidu tencent aliyun \
     alibaba yandex sumo logz loki grafana honeycomb rollbar bugsnag pagerduty opsgenie okta auth0 clerk stytch twitch twitter facebook instagram \
     linkedin reddit spotify youtube dropbox box figma contentful sanity prismic rapidapi";

/// Words behind a head that leave its meaning.
pub(super) const TAILS: &str = "old new prod production dev staging test live sandbox value val string str text plain raw data base b hex bytes \
     current previous backup primary secondary main default tmp eu us ro rw admin root user local encoded secure super sec";

/// Words behind a head that take its meaning away.
pub(super) const NEVER_BEHIND: &str = "hash hashes hashed field fields label labels name names id ids type types typed length len min max policy \
     policies url urls uri uris endpoint endpoints file files filename path paths dir directory count counts ttl expiry expires expire expired \
     expiration expirations lifetime age placeholder hint hints prompt prompts error errors err message messages msg title titles input inputs form \
     forms reset manager managers provider providers service services store stores ref refs reference env var variable variables index pos position \
     regex pattern patterns format formats required enabled disabled strength algorithm algorithms alg class classes kind usage limit limits page \
     pages size sizes budget price cost rate audience issuer header headers prefix prefixes suffix separator separators delimiter description help \
     role roles arn version versions rotation mode modes source sources date time timestamp timestamps status state states valid validity handler \
     handlers callback callbacks factory builder parser request requests response responses method methods func function functions config configs \
     configuration options option settings setting params param parameters parameter schema schemas model models view views button link links icon \
     map maps list lists set sets generator cache matcher filter filters rule rules check checks checker stream group groups flow flows grant grants \
     scope scopes permission permissions owner owners account username email emails vault ring rings keyring exchange selector engine location domain \
     domains entry entries info meta metadata attribute attributes property properties column columns table tables fingerprint thumbprint digest \
     checksum signature nonce salt iv rounds template templates example examples spec resolver scheme schemes plugin plugins module context session \
     sessions ptr regexp to from for with in of or and is not arg args argument flag flags cmd command const enum interface trait impl struct object \
     objects begin end start stop first last next line lines offset span tree node nodes seq buffer reader writer printer strategy screen dialog \
     modal component page wrapper container security validator validators validation middleware interceptor storage key keys token tokens count";

/// Some of these, which are yet what a secret may be for: `{"secrets": {"service": "…"}}`.
pub(super) const HOLDERS: &str = "account accounts cache config engine entry env exchange group groups input key keys manager module object options \
     plugin provider providers service services session settings source storage store stream token tokens var vault";

/// Words that say what something is like, and are behind no head.
pub(super) const DESCRIBING: &str = "address shape documentation integrity resolved symbol host region entity word lang language currency namespace";

/// Words anywhere before a head that take its meaning away.
pub(super) const NEVER_BEFORE: &str = "is has show hide forgot forgotten reset no without use enable disable require requires required invalid \
     missing wrong expired hashed encrypted public toggle verify check validate allow get fetch load read create update delete remove generate find \
     parse make build need needs can should must prompt ask enter supports strip redact mask sanitize type num count max min default";

/// The last word before `token` that makes it a piece of a text, of a list or of a program.
pub(super) const NEVER_BEFORE_TOKEN: &str = "max min next prev previous page continuation sync progress pagination sequence task resume skip cancel watch change \
     start stop begin end eos bos eot pad unk sep cls mask special image audio video text input output prompt completion total num per cached reasoning \
     first last decoded current peek open close lex syntax parse string number keyword operator comment forward backward idempotency client request \
     design color theme expected unexpected found missing bad unknown cost price draft sampled line symbol ident punct delim boundary scope kind css lock \
     snapshot delta cursor stream inject tiktoken partial operation lro job poll polling batch chunk left right new old word sub byte top eof newline \
     separator comma semicolon colon identifier literal template regex jsx think thinking tool page paging marker list iteration reply upload \
     starting stopping resumption resumable conversation interaction results search offset bookmark iterator checkpoint position version consistency \
     wait response ack acknowledgement acknowledgment delivery scroll evaluated seek revision lease fencing epoch shard generation generated record \
     trace query sell buy from to base quote native wrapped collateral pair liquidity reward staking staked deposited pool chain subword wordpiece matched oldest newest";

/// The last word before `key` that makes it the key of a table, of a map or of a lock.
pub(super) const NEVER_BEFORE_KEY: &str = "public primary foreign partition sort cache hot bucket index row range hash composite unique dict json config group \
     route query translation i18n i label react list item websocket socket result file data s3 s object map field column table sort order short arrow enter \
     esc escape tab shift ctrl control alt meta command delete backspace up down left right home any press key string int number name value type event \
     message idempotency dedup deduplication routing lookup search context state prop attribute attr host known ssh pub metric tag idem conf option param \
     setting locale lang lookup storage session natural surrogate candidate parent child reference registry reg sub subkey cipher pk fk unique image node \
     entry dictionary default current selected active next prev previous last first foo bar some my the a new old this that";

/// Keys of JSON Schema and of OpenAPI whose values say what a value is like and are none.
pub(super) const SCHEMA_WORDS: &str = "$anchor $comment $defs $dynamicRef $id $ref $schema additionalItems additionalProperties allOf anyOf \
     bsonType contentEncoding contentMediaType dataType dependencies dependentRequired deprecated description discriminator enum enumNames \
     errorMessage exclusiveMaximum exclusiveMinimum format in items kind markdownDescription max maxItems maxLength maxProperties maximum min minItems \
     minLength minProperties minimum multipleOf not nullable oneOf pattern patternProperties prefixItems propertyNames \
     propertyOrdering readOnly required title type Type NoEcho uniqueItems writeOnly";

/// Those whose values are examples of it: only what is plainly a secret goes.
pub(super) const SAMPLE_WORDS: &str = "const default example examples";
