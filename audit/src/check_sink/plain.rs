//! Stores whose locks cannot be read back: what can be seen there, and what a person must look at.

use super::{
    Asked,
    canary::{another, canary},
    finding::{Circumstances, Finding, Judgement, Part},
};
use crate::store::{Held, Object, SinkUrl, Store, StoreError, Written};

pub(super) async fn ask(url: &SinkUrl) -> Result<Asked, StoreError> {
    let store = Store::open(url, None).await?;
    let first = canary("first");
    let other = another("overwritten", &first.name);
    store.put(&first).await?;
    let mut findings = vec![
        finding("an object arrives whole", "put, size compared", "done", Judgement::holds("")),
        again(&store, &first, &other).await,
        held(url, &store.held(&first, None).await),
    ];
    if let Some(remove) = store.remove(&first).await {
        findings.push(removed(&remove, &store.held(&first, None).await));
    }
    findings.extend(by_hand(url));
    let circumstances = Circumstances::default();
    Ok(Asked { findings, left_behind: vec![first.name], circumstances })
}

async fn again(store: &Store, first: &Object, other: &Object) -> Finding {
    let told = store.put(other).await;
    let after = store.held(first, None).await;
    let is_kept = matches!(&after, Ok(held) if !matches!(held, Held::Different));
    let (answered, judgement) = match (&told, is_kept) {
        (_, false) => {
            ("done".to_owned(), Judgement::fails("the first object is not there as it was"))
        }
        (Ok(Written::Exists), _) => ("exists".to_owned(), Judgement::holds("")),
        (Ok(Written::Created { .. }), _) => (
            "done".to_owned(),
            Judgement::unproven("the store said yes, and the first object stays"),
        ),
        (Err(error), _) => (error.answer().to_owned(), Judgement::unproven("no clear answer")),
    };
    finding("a name is written once", "put, same name", answered, judgement)
}

fn held(url: &SinkUrl, told: &Result<Held, StoreError>) -> Finding {
    let (answered, judgement) = match told {
        Ok(Held::Immutable) => ("immutable".to_owned(), Judgement::holds("")),
        Ok(Held::Locked { lock, .. }) => (lock.to_string(), Judgement::holds("")),
        Ok(Held::Unlocked { .. }) => ("no lock".to_owned(), Judgement::fails(unlocked(url))),
        Ok(Held::Different) => ("other bytes".to_owned(), Judgement::fails("it reads differently")),
        Ok(Held::Unknown { why }) => ("not told".to_owned(), Judgement::unproven(why.clone())),
        Err(error) => (error.answer().to_owned(), Judgement::unproven("it cannot be read back")),
    };
    finding("what is written is locked", "read back", answered, judgement)
}

fn unlocked(url: &SinkUrl) -> &'static str {
    match url {
        SinkUrl::Folder { .. } => {
            "file modes only: run with CAP_LINUX_IMMUTABLE on ext4, XFS or btrfs"
        }
        _ => "nothing protects it",
    }
}

fn removed(told: &Result<(), StoreError>, after: &Result<Held, StoreError>) -> Finding {
    let answered = match told {
        Ok(()) => "done".to_owned(),
        Err(error) => error.answer().to_owned(),
    };
    let judgement = match (told, after) {
        (Ok(()), _) => Judgement::fails("it could be deleted"),
        (Err(_), Ok(_)) => Judgement::holds(""),
        (Err(_), Err(_)) => Judgement::unproven("refused, but it cannot be read back"),
    };
    finding("an object cannot be deleted", "delete", answered, judgement)
}

/// What no call of this tool can see.
fn by_hand(url: &SinkUrl) -> Vec<Finding> {
    let unseen = |promise, note| finding(promise, "not tried", "-", Judgement::unproven(note));
    match url {
        SinkUrl::Azure { .. } => vec![
            unseen(
                "the policy is locked and long enough",
                "look with `az storage container immutability-policy show`: state Locked; envoy/sinks/azure sets it",
            ),
            unseen(
                "the writer has no other right",
                "look at its role: add and write of blobs only",
            ),
        ],
        SinkUrl::Google { .. } => vec![
            unseen(
                "the policy is locked and long enough",
                "look with `gcloud storage buckets describe`: retention_policy isLocked; envoy/sinks/gcs sets it",
            ),
            unseen(
                "the writer has no other right",
                "look at its role: roles/storage.objectCreator only",
            ),
        ],
        _ => vec![unseen(
            "nobody takes the flag off",
            "whoever has CAP_LINUX_IMMUTABLE can: ship to a store on another machine as well",
        )],
    }
}

fn finding(
    promise: &'static str,
    tried: &str,
    answered: impl Into<String>,
    judgement: Judgement,
) -> Finding {
    Finding::new(Part::Storage, promise, tried, answered, judgement)
}
