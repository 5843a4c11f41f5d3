//! The ledger goes over TLS to a SIEM that is a real rsyslog.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use ledgerline_tests::process::{Supervised, eventually};
use ledgerline_tests::storage::free_port;
use ledgerline_tests::workspace::{self, Needed};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::growing::Growing;
use crate::{PATIENCE, shipped};

/// A gateway and a SIEM with certificates of one authority.
pub(crate) struct Site {
    program: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Site {
    /// `None` where there is no rsyslog, which was said.
    pub(crate) fn new() -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Rsyslog)? else { return Ok(None) };
        let site = Self { program, folder: tempfile::tempdir()?, port: free_port()? };
        for folder in ["rsyslog.conf", "rsyslog-sender.conf", "ledger"] {
            std::fs::create_dir(site.path(folder))?;
        }
        site.write_certificates()?;
        Ok(Some(site))
    }

    /// rsyslog with one of the shipped configurations.
    pub(crate) fn command(&self, configuration: &str) -> Command {
        let (own, peer) = match configuration {
            "rsyslog.conf" => ("siem.test", "gateway.test"),
            _ => ("gateway.test", "siem.test"),
        };
        let mut command = Command::new(&self.program);
        command
            .args(["-n", "-i", "NONE", "-f"])
            .arg(shipped(configuration))
            .env("LEDGERLINE_TLS_CA", self.path("ca.pem"))
            .env("LEDGERLINE_TLS_CERTIFICATE", self.path(&format!("{own}.pem")))
            .env("LEDGERLINE_TLS_KEY", self.path(&format!("{own}.key")))
            .env("LEDGERLINE_TLS_PEER", peer)
            .env("LEDGERLINE_ADDRESS", "127.0.0.1")
            .env("LEDGERLINE_PORT", self.port.to_string())
            .env("LEDGERLINE_STATE", self.path(configuration))
            .env("LEDGERLINE_FOLDER", self.path("ledger"))
            .env("LEDGERLINE_FILE", self.path("siem.jsonl"));
        command
    }

    fn start(&self, configuration: &str) -> Result<Supervised> {
        let log = File::create(self.path(&format!("{configuration}.log")))?;
        let mut command = self.command(configuration);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Supervised::spawn(&mut command, &self.path("nothing"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_certificates(&self) -> Result<()> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Authority of the site");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        std::fs::write(self.path("ca.pem"), root.pem())?;
        for name in ["siem.test", "gateway.test", "stranger.test"] {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new([name.to_owned()])?;
            params.distinguished_name.push(DnType::CommonName, name);
            std::fs::write(
                self.path(&format!("{name}.pem")),
                params.signed_by(&key, &root)?.pem(),
            )?;
            std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem())?;
        }
        Ok(())
    }

    fn received(&self) -> String {
        std::fs::read_to_string(self.path("siem.jsonl")).unwrap_or_default()
    }

    /// What both said, for a person.
    fn logs(&self) -> String {
        let log = |name: &str| std::fs::read_to_string(self.path(&format!("{name}.log")));
        let logs =
            ["rsyslog.conf", "rsyslog-sender.conf"].map(|name| log(name).unwrap_or_default());
        logs.join("\n")
    }
}

#[tokio::test]
async fn the_siem_gets_every_line_as_it_was_written() -> Result<()> {
    let Some(site) = Site::new()? else { return Ok(()) };
    let mut ledger = Growing::new(&site.path("ledger"))?;
    ledger.write(50)?;
    let _receiver = site.start("rsyslog.conf")?;
    let _sender = site.start("rsyslog-sender.conf")?;
    ledger.write_long()?;
    ledger.write(300)?;
    wait_for_all(&site, &ledger).await?;
    ledger.rotate()?;
    ledger.write(100)?;
    ledger.write_long()?;
    wait_for_all(&site, &ledger).await
}

/// Whoever listens there without the right certificate gets nothing.
#[tokio::test]
async fn a_siem_with_another_name_gets_nothing() -> Result<()> {
    let Some(site) = Site::new()? else { return Ok(()) };
    let mut ledger = Growing::new(&site.path("ledger"))?;
    for kind in ["pem", "key"] {
        let file = |name: &str| site.path(&format!("{name}.{kind}"));
        std::fs::copy(file("stranger.test"), file("siem.test"))?;
    }
    let _receiver = site.start("rsyslog.conf")?;
    let _sender = site.start("rsyslog-sender.conf")?;
    ledger.write(10)?;
    let refused =
        eventually(PATIENCE, || site.logs().contains("closed due to error").then_some(()));
    refused.await.with_context(|| format!("nobody was refused: {}", site.logs()))?;
    assert_eq!(site.received(), "");
    Ok(())
}

async fn wait_for_all(site: &Site, ledger: &Growing) -> Result<()> {
    let all = eventually(PATIENCE, || {
        let arrived = ledger.compare(site.received().lines());
        (arrived.missing == 0).then_some(arrived)
    });
    let arrived = all.await.with_context(|| {
        format!("{:?}: {}", ledger.compare(site.received().lines()), site.logs())
    })?;
    assert_eq!(arrived.strange, 0, "{}", site.logs());
    Ok(())
}
