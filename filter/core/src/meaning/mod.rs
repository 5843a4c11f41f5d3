//! What a call was about.
// STUB
use crate::{
    entry::{GenAi, Mcp},
    mask::Rules,
    outcome::{Outcome, Reason},
};
use std::rc::Rc;
#[derive(Debug)]
pub struct Tables;
impl Tables {
    pub fn new() -> Self {
        Self
    }
}
#[derive(Debug)]
pub struct Meaning;
#[derive(Clone, Copy, Default)]
pub struct Clues<'c> {
    pub host: &'c [u8],
    pub path: &'c [u8],
    pub mcp_method: Option<&'c [u8]>,
    pub mcp_name: Option<&'c [u8]>,
    pub mcp_protocol_version: Option<&'c [u8]>,
    pub mcp_session_id: Option<&'c [u8]>,
    pub accepts_events: bool,
}
pub(crate) const RESPONSE_HEADERS: [&str; 1] = ["mcp-session-id"];
impl Meaning {
    pub fn new(_: Rc<Tables>, _: &Rules, _: &Clues<'_>) -> Option<Box<Self>> {
        None
    }
    pub fn is_known_provider(&self) -> bool {
        false
    }
    pub fn request(&mut self, _: &[u8]) {}
    pub fn end_request(&mut self) {}
    pub fn wants_response(&self) -> bool {
        false
    }
    pub fn response_header(&mut self, _: &str, _: &[u8]) {}
    pub fn response(&mut self, _: &[u8]) {}
    pub fn end_response(&mut self, _: &[u8]) {}
    pub fn verdict(&self) -> Option<(Outcome, Reason)> {
        None
    }
    pub fn gen_ai(&self) -> Option<GenAi<'_>> {
        None
    }
    pub fn mcp(&self) -> Option<Mcp<'_>> {
        None
    }
    pub fn is_cut(&self) -> bool {
        false
    }
}
