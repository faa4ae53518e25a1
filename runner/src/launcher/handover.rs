//! What the supervisor hands over to a launcher: a file in memory with the session's limits and the command, and the
//! program's streams. Descriptors go over a socket, since a launcher that inherited them could not own them safely.

use crate::error::{Context, Error};
use cofferdam_protocol::{CONTROL, Command, Decoder, Limits, Malformed, Message, Preparation, encode};
use rustix::{
    cmsg_space,
    fs::{MemfdFlags, memfd_create},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    },
};
use std::{
    fs::File,
    io::{IoSlice, IoSliceMut, Read, Seek, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

const STEP: &str = "hand over a command";
/// The instructions, and at most three streams.
const MAX_DESCRIPTORS: usize = 4;

/// Sends a command to a launcher, with the session's preparation and the streams.
pub(crate) fn send(
    launcher: &UnixStream,
    session: &Preparation,
    command: Command,
    streams: &[OwnedFd],
) -> Result<(), Error> {
    let mut instructions = File::from(memfd_create(c"", MemfdFlags::CLOEXEC).context(STEP)?);
    // The command may have megabytes of code, for which the supervisor must not wait.
    for message in [Message::Prepare(session.clone()), Message::Execute(command)] {
        instructions.write_all(&encode(CONTROL, &message)?).context(STEP)?;
    }
    let descriptors: Vec<BorrowedFd<'_>> =
        [instructions.as_fd()].into_iter().chain(streams.iter().map(AsFd::as_fd)).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(Malformed.into());
    }
    sendmsg(launcher, &[IoSlice::new(b".")], &mut control, SendFlags::NOSIGNAL).context(STEP)?;
    Ok(())
}

/// Receives the session's limits, the command and the streams.
pub(crate) fn receive(supervisor: &UnixStream) -> Result<(Limits, Command, Vec<OwnedFd>), Error> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(supervisor, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)
        .context(STEP)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let mut descriptors = descriptors.into_iter();
    let mut instructions = File::from(descriptors.next().ok_or(Error::ChannelClosed)?);
    let mut bytes = Vec::new();
    instructions.rewind().and_then(|()| instructions.read_to_end(&mut bytes)).context(STEP)?;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    match (decoder.next()?, decoder.next()?) {
        (Some((_, Message::Prepare(session))), Some((_, Message::Execute(command)))) => {
            Ok((session.limits, command, descriptors.collect()))
        }
        _ => Err(Malformed.into()),
    }
}
