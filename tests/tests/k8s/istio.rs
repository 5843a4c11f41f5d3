//! A call through the configuration that a real istiod makes of the overlay, run by a real Envoy.

use anyhow::Result;
use ledgerline_tests::client::Call;
use ledgerline_tests::cluster::IstioVersion;
use serde_json::json;

use crate::stage::Mesh;

#[tokio::test]
async fn newest_call_leaves_its_entry() -> Result<()> {
    let Some(mesh) = Mesh::with(IstioVersion::Newest, "istio", &[]).await? else { return Ok(()) };
    let open = mesh.open().await?;
    let question = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let call = Call::post_json("api.openai.com", "/v1/chat/completions", &question);
    let (_, entry) = open.call_from("team-a", call).await?;
    eprintln!("{entry}");
    open.check_exchange(&entry)
}
