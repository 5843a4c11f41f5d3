use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::ports::free_port;
use super::server::{Server, scratch};
use crate::client::{Answer, Call};
use crate::workspace::{self, Needed};

/// Microsoft's emulator of Azure Blob Storage, in memory.
///
/// It creates a blob once where that is asked (`If-None-Match: *`). It knows no immutability policy:
/// whoever may write also replaces and deletes, and no answer tells a lock.
#[derive(Debug)]
pub struct Azurite {
    address: SocketAddr,
    _server: Server,
}

/// A blob, read back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Blob {
    /// The name in its container, with the prefix.
    pub name: String,
    /// Another one after every write.
    pub etag: String,
    /// As stored.
    pub body: Vec<u8>,
}

/// The account that every Azurite has, and full rights on it until 2126: signed with the key that
/// Microsoft publishes for it.
const ACCOUNT: &str = "devstoreaccount1";
const RIGHTS: &str = "sv=2020-12-06&ss=b&srt=sco&sp=rwlc&se=2126-01-01T00%3A00%3A00Z\
    &spr=https%2Chttp&sig=zDmO1uyKQskn19I5tLcwdOkErb6BoioFdOmNLd4y7pI%3D";

impl Azurite {
    /// Starts one of its own; `None` where it is not installed (see [`workspace::needs`]).
    pub async fn start() -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Azurite)? else { return Ok(None) };
        let (folder, port) = (scratch("azurite")?, free_port()?);
        let mut command = Command::new(workspace::node()?);
        command.arg(program).current_dir(folder.path());
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.args(["--inMemoryPersistence", "--disableTelemetry"]);
        let server = Server::start(command, folder, port).await.context("start Azurite")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Some(Self { address, _server: server }))
    }

    /// What sends a client here that reads Azure's settings from its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        [("AZURE_STORAGE_USE_EMULATOR", "true"), ("AZURITE_BLOB_STORAGE_URL", &url)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// Makes a container.
    pub async fn create_container(&self, container: &str) -> Result<()> {
        let call = self.call("PUT", container, "restype=container&");
        self.good(call.header("content-length", "0")).await.map(drop)
    }

    /// Puts a blob, whatever is under its name: what nobody could do below a locked policy.
    pub async fn replace(&self, container: &str, name: &str, body: &[u8]) -> Result<()> {
        let call = self.call("PUT", &format!("{container}/{name}"), "");
        let call = call.header("x-ms-blob-type", "BlockBlob");
        let body = http_body_util::Full::new(bytes::Bytes::copy_from_slice(body));
        self.good(call.body(body)).await.map(drop)
    }

    /// Everything in a container, by name.
    pub async fn blobs(&self, container: &str) -> Result<Vec<Blob>> {
        let list = self.call("GET", container, "restype=container&comp=list&");
        let list = String::from_utf8(self.good(list).await?.body)?;
        let mut blobs = Vec::new();
        for entry in list.split("<Blob>").skip(1) {
            let name = element(entry, "Name")?;
            let read = self.call("GET", &format!("{container}/{name}"), "");
            let body = self.good(read).await?.body;
            blobs.push(Blob { name, etag: element(entry, "Etag")?, body });
        }
        Ok(blobs)
    }

    fn call(&self, method: &str, path: &str, query: &str) -> Call {
        let path = format!("/{ACCOUNT}/{path}?{query}{RIGHTS}");
        Call::new(method, &self.address.to_string(), &path)
    }

    async fn good(&self, call: Call) -> Result<Answer> {
        let what = format!("{call:?}");
        let answer = call.send(self.address).await?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!((200..300).contains(&answer.status), "{what}: {} {said}", answer.status);
        Ok(answer)
    }
}

/// The text of the first element of this name. The names and tags under test need no unescaping.
fn element(xml: &str, name: &str) -> Result<String> {
    let text = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    Ok(text.with_context(|| format!("no <{name}> in {xml}"))?.0.to_owned())
}
