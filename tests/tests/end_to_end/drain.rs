//! A gateway that is about to stop finishes its calls first.

use anyhow::{Context, Result};
use ledgerline_tests::{client::Raw, workspace};
use tokio::{process::Command, time::Instant};

use crate::{Stage, stage::Open};

on_each_envoy! {
    drain_waits_for_the_call_in_flight,
}

async fn drain_waits_for_the_call_in_flight(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let mut call = Raw::connect(open.gateway.address()).await?;
    call.write(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: provider.test\r\ncontent-length: 4\r\n\r\nhe",
    )
    .await?;
    wait_for_a_call(&open).await?;
    let (code, text) = drain(&open, &["--timeout", "300ms"]).await?;
    assert!(code == Some(1) && text.contains("are over, 1 call in flight"), "{code:?} {text}");

    call.write("re").await?;
    call.read_until("\r\n\r\n").await?;
    let (code, text) = drain(&open, &["--quiet", "300ms"]).await?;
    assert!(code == Some(0) && text.contains("no call in flight"), "{code:?} {text}");

    let (code, text) = drain(&open, &["--stat-prefix", "ingress"]).await?;
    assert!(code == Some(2) && text.contains("counts no http.ingress."), "{code:?} {text}");
    open.finish().await
}

async fn wait_for_a_call(open: &Open) -> Result<()> {
    const STAT: &str = "http.egress.downstream_rq_active";
    let deadline = Instant::now() + std::time::Duration::from_secs(20);
    while open.gateway.admin().stats(STAT).await?.get(STAT)? != 1 {
        (Instant::now() < deadline).then_some(()).context("the call is not seen")?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Exit code, and what was said.
async fn drain(open: &Open, more: &[&str]) -> Result<(Option<i32>, String)> {
    let admin = format!("http://{}", open.gateway.admin().0);
    let mut command = Command::new(workspace::tool()?);
    let output = command.args(["drain", "--admin", &admin]).args(more).output().await?;
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((output.status.code(), text.concat()))
}
