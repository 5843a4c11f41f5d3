//! Who called: the agent, the user and the session, as far as anybody said.
//!
//! Everything here is *claimed*: the caller wrote it into a header of its own. It is recorded as
//! such and never invented. Headers that exist for the gateway's sake are stripped before the call
//! leaves it; those that a client sends to its provider anyway are read and go on.

use crate::{
    mask::Rules,
    text::{MAX_TEXT_BYTES, Text},
};

/// One thing that a caller can claim about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The agent's name.
    AgentId,
    /// The agent's version.
    AgentVersion,
    /// The deployment that the agent runs in.
    AgentDeployment,
    /// The user on whose behalf the agent calls.
    UserId,
    /// The session or conversation that the call belongs to.
    SessionId,
}

/// What the caller claimed about itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The agent's name.
    pub agent_id: Claimed,
    /// The agent's version.
    pub agent_version: Claimed,
    /// The deployment that the agent runs in.
    pub agent_deployment: Claimed,
    /// The user.
    pub user_id: Claimed,
    /// The session.
    pub session_id: Claimed,
}

impl Identity {
    /// Takes note of a claim. Of several for the same thing the one with the lowest `rank`, its
    /// place in the operator's list, counts; of two with the same rank, the first. What `rules`
    /// take for a secret is masked.
    pub fn claim(&mut self, rules: &Rules, claim: Claim, rank: u8, claimed_value: &[u8]) {
        let field = match claim {
            Claim::AgentId => &mut self.agent_id,
            Claim::AgentVersion => &mut self.agent_version,
            Claim::AgentDeployment => &mut self.agent_deployment,
            Claim::UserId => &mut self.user_id,
            Claim::SessionId => &mut self.session_id,
        };
        field.claim(rules, rank, claimed_value);
    }
}

/// A claimed value and the rank of the header that it came from.
#[derive(Clone, Debug, Default)]
pub struct Claimed(Option<(u8, Text)>);

impl Claimed {
    fn claim(&mut self, rules: &Rules, rank: u8, claimed_value: &[u8]) {
        let value = claimed_value.trim_ascii();
        let outranked = self.0.as_ref().is_some_and(|(standing, _)| *standing <= rank);
        if !value.is_empty() && !outranked {
            self.0 = Some((rank, Text::masked(rules, value, MAX_TEXT_BYTES)));
        }
    }

    /// The value, if anybody claimed one.
    pub fn text(&self) -> Option<&str> {
        self.0.as_ref().map(|(_, text)| &*text.text)
    }

    /// Whether the claimed value was longer than what is kept.
    pub fn is_cut(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, text)| text.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_order_decides_between_claims() {
        let mut identity = Identity::default();
        assert_eq!(identity.agent_id.text(), None);
        for (rank, value, agent_id) in [
            (2, &b"third"[..], "third"),
            (1, b"  ", "third"),
            (1, b" second ", "second"),
            (1, b"late", "second"),
            (2, b"third", "second"),
            (0, b"first", "first"),
        ] {
            identity.claim(&Rules::default(), Claim::AgentId, rank, value);
            assert_eq!(identity.agent_id.text(), Some(agent_id));
        }
        assert_eq!(identity.user_id.text(), None);
    }
}
