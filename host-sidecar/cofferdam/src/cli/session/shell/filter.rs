//! Filters what a program writes to a terminal: it must not reach the clipboard or the title of the user's terminal,
//! nor make it send text. Pure.
//!
//! A control sequence is passed on as a whole or not at all. So the terminal is never within a sequence that the filter
//! does not know, and all that it gets has been looked at.

use super::utf8::{Expected, Utf8};

const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;
const DEL: u8 = 0x7f;
/// The lead byte of U+0080 to U+009F, the control characters that stand for `ESC` and another byte.
const C1_LEAD: u8 = 0xc2;
/// Bytes of the longest sequence that is passed on.
const MAX_SEQUENCE: usize = 4096;
/// Operating system commands that concern colours, links and prompts only.
const ALLOWED_COMMANDS: [&str; 13] =
    ["4", "5", "8", "10", "11", "12", "104", "105", "110", "111", "112", "117", "133"];

/// Removes what a program must not send to the user's terminal.
#[derive(Debug, Default)]
pub(super) struct TerminalFilter {
    state: State,
    /// The bytes of the sequence so far.
    sequence: Vec<u8>,
    /// The character that is being read.
    utf8: Utf8,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Text.
    #[default]
    Text,
    /// A sequence that began with `ESC`.
    Escape,
    /// A control sequence, which began with `ESC [`.
    Control,
    /// An operating system command, which began with `ESC ]`.
    Command,
    /// Another string, which is never passed on.
    Ignored,
    /// One of these strings, or a command, after an `ESC`: the end, or the begin of another sequence.
    StringEscape { is_command: bool },
}

impl TerminalFilter {
    /// The part of the next bytes that is passed on.
    pub(super) fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(bytes.len());
        for byte in bytes {
            self.next(*byte, &mut passed);
        }
        passed
    }

    fn next(&mut self, byte: u8, passed: &mut Vec<u8>) {
        match self.state {
            State::Text => self.text(byte, passed),
            State::Escape => self.escape(byte, passed),
            State::Control => self.control(byte, passed),
            State::Command | State::Ignored => self.string(byte, passed),
            State::StringEscape { is_command } if byte == b'\\' => self.end_string(is_command, passed),
            State::StringEscape { .. } => {
                self.begin(State::Escape, &[ESC]);
                self.escape(byte, passed);
            }
        }
    }

    fn text(&mut self, byte: u8, passed: &mut Vec<u8>) {
        match self.utf8.next(byte) {
            // Held back: with the next byte it may be a control character.
            Expected::Lead if byte == C1_LEAD => {}
            Expected::Lead | Expected::Continuation { last: false, .. } => passed.push(byte),
            Expected::Continuation { lead: C1_LEAD, .. } if byte < 0xa0 => self.c1(byte, passed),
            Expected::Continuation { lead: C1_LEAD, .. } => passed.extend([C1_LEAD, byte]),
            Expected::Single if byte == ESC => self.begin(State::Escape, &[ESC]),
            Expected::Single if (0x80..0xa0).contains(&byte) => self.c1(byte, passed),
            Expected::Continuation { .. } | Expected::Single => passed.push(byte),
        }
    }

    /// A control character that stands for `ESC` and another byte.
    fn c1(&mut self, byte: u8, passed: &mut Vec<u8>) {
        self.begin(State::Escape, &[ESC]);
        self.escape(byte - 0x40, passed);
    }

    fn begin(&mut self, state: State, sequence: &[u8]) {
        self.state = state;
        self.sequence.clear();
        self.sequence.extend_from_slice(sequence);
    }

    fn escape(&mut self, byte: u8, passed: &mut Vec<u8>) {
        let is_first = self.sequence.len() == 1;
        match byte {
            b'[' if is_first => self.push(State::Control, byte),
            b']' if is_first => self.push(State::Command, byte),
            // Device control strings, which may contain any other sequence, and titles as GNU Screen has them.
            b'P' | b'X' | b'^' | b'_' | b'k' if is_first => self.push(State::Ignored, byte),
            0x20..0x30 => self.push(State::Escape, byte),
            0x30..DEL => self.end(byte, passed),
            _ => self.interrupt(byte, passed),
        }
    }

    fn control(&mut self, byte: u8, passed: &mut Vec<u8>) {
        match byte {
            0x20..0x40 => self.push(State::Control, byte),
            // Operations on the window: its title, which can be read too, its size and its place.
            b't' if !self.sequence.iter().any(|byte| matches!(byte, 0x20..0x30)) => self.drop_sequence(),
            0x40..DEL => self.end(byte, passed),
            _ => self.interrupt(byte, passed),
        }
    }

    /// A byte that is no part of the sequence in which it stands.
    fn interrupt(&mut self, byte: u8, passed: &mut Vec<u8>) {
        match byte {
            ESC => self.begin(State::Escape, &[ESC]),
            CAN | SUB => self.drop_sequence(),
            DEL => {}
            // Terminals execute it and continue with the sequence.
            0..0x20 => passed.push(byte),
            _ => {
                self.drop_sequence();
                self.text(byte, passed);
            }
        }
    }

    fn string(&mut self, byte: u8, passed: &mut Vec<u8>) {
        let is_command = self.state == State::Command;
        match byte {
            BEL if is_command => self.end_string(is_command, passed),
            ESC => self.state = State::StringEscape { is_command },
            CAN | SUB => self.drop_sequence(),
            _ if is_command => self.push(State::Command, byte),
            _ => {}
        }
    }

    /// Passes a command on, in one form, if it is allowed and can end nowhere else.
    fn end_string(&mut self, is_command: bool, passed: &mut Vec<u8>) {
        let command = self.sequence.get(2..).and_then(|command| str::from_utf8(command).ok());
        let allowed = command.filter(|command| {
            let number = command.split(';').next().unwrap_or_default();
            is_command && ALLOWED_COMMANDS.contains(&number) && !command.chars().any(char::is_control)
        });
        if allowed.is_some() && self.sequence.len() <= MAX_SEQUENCE {
            passed.append(&mut self.sequence);
            passed.push(BEL);
        }
        self.drop_sequence();
    }

    /// Adds a byte to the sequence. One that is too long is read to its end and dropped then.
    fn push(&mut self, state: State, byte: u8) {
        self.state = state;
        if self.sequence.len() <= MAX_SEQUENCE {
            self.sequence.push(byte);
        }
    }

    /// Passes a sequence on that ends with this byte.
    fn end(&mut self, byte: u8, passed: &mut Vec<u8>) {
        if self.sequence.len() <= MAX_SEQUENCE {
            passed.append(&mut self.sequence);
            passed.push(byte);
        }
        self.drop_sequence();
    }

    fn drop_sequence(&mut self) {
        self.sequence.clear();
        self.state = State::Text;
    }
}

#[cfg(test)]
mod tests;
