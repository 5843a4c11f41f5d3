//! Telling the gateway, without waiting for it: a gateway that takes the call and says nothing holds up no look at the disk.

use tokio::task::JoinHandle;

use super::reopen::Reopen;

/// One call to a gateway on its way, or none.
#[derive(Debug, Default)]
pub(super) struct Telling(Option<JoinHandle<Result<(), String>>>);

impl Telling {
    /// Begins to tell it, or looks what came of that; `None`: it is still on its way.
    pub(super) async fn go_on(&mut self, reopen: &Reopen) -> Option<Result<(), String>> {
        let Reopen::Admin(_) = reopen else { return Some(reopen.ask().await) };
        let begin = || {
            let reopen = reopen.clone();
            tokio::spawn(async move { reopen.ask().await })
        };
        if !self.0.get_or_insert_with(begin).is_finished() {
            return None;
        }
        let told = self.0.take()?.await;
        Some(told.unwrap_or_else(|error| Err(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Instant};

    use super::*;

    #[test]
    fn a_gateway_that_says_nothing_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let reopen: Reopen = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut telling, began) = (Telling::default(), Instant::now());
            for _ in 0..100 {
                assert_eq!(telling.go_on(&reopen).await, None);
                tokio::task::yield_now().await;
            }
            assert!(began.elapsed().as_secs() < 3);
            assert_eq!(telling.go_on(&Reopen::Nobody).await, Some(Ok(())));
        });
        runtime.shutdown_background();
    }
}
