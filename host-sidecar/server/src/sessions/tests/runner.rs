//! A runner in memory that knows a few programs: `echo`, `cat`, `sleep`, `fail`, `die`, `late` and `broken`.

use super::file_store::FileStore;
use cofferdam_protocol::{Call, Command, Decoder, Frame, Message, Stream, Termination, encode};
use std::{
    collections::{HashMap, VecDeque},
    io,
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes of standard input that a program takes.
const CREDIT: u32 = 16 << 20;

/// Bytes of output that are sent at once.
const CHUNK: usize = 32 << 10;

enum Program {
    /// Writes its standard input to its standard output.
    Cat,
    /// Runs until it is killed. Writes the size of its terminal when that changes.
    Sleep,
    /// A file call, which reads standard input to its end.
    Files(cofferdam_protocol::FileRequest, Vec<u8>),
}

struct Runner {
    stream: DuplexStream,
    programs: HashMap<u32, Program>,
    /// What waits for credit: bytes that may be sent, and frames.
    outputs: HashMap<u32, (usize, VecDeque<Frame>)>,
    files: FileStore,
    /// Executions of `late`, which have no process until another program is executed.
    late: Vec<u32>,
}

/// Answers messages until the connection ends, or until a program is `die`.
pub(super) async fn run(stream: DuplexStream) {
    let runner = Runner {
        stream,
        programs: HashMap::new(),
        outputs: HashMap::new(),
        files: FileStore::default(),
        late: Vec::new(),
    };
    // A test that ends closes the connection.
    let _ = runner.run().await;
}

impl Runner {
    async fn run(mut self) -> io::Result<()> {
        let (mut decoder, mut chunk) = (Decoder::default(), vec![0; 1 << 16]);
        loop {
            let length = self.stream.read(&mut chunk).await?;
            if length == 0 {
                return Ok(());
            }
            decoder.push(&chunk[..length]);
            while let Some((channel, message)) = decoder.next().expect("messages of the protocol") {
                self.take(channel, message).await?;
            }
        }
    }

    async fn take(&mut self, channel: u32, message: Message) -> io::Result<()> {
        match message {
            Message::Open(_) | Message::Ping => self.send(channel, &Frame::Ready).await,
            Message::Measure => {
                let usage = cofferdam_protocol::Usage { memory_bytes: 5, ..Default::default() };
                self.send(channel, &Frame::Usage(usage)).await
            }
            Message::Execute(command) => self.execute(channel, command).await,
            Message::Stdin(bytes) => match self.programs.get_mut(&channel) {
                Some(Program::Cat) => self.output(channel, bytes).await,
                Some(Program::Files(_, content)) => {
                    content.extend(bytes);
                    Ok(())
                }
                _ => Ok(()),
            },
            Message::CloseStdin => match self.programs.remove(&channel) {
                Some(Program::Files(request, content)) => self.call(channel, &request, &content).await,
                Some(Program::Cat) => self.end(channel, Termination::Exited(0)).await,
                other => {
                    self.programs.extend(other.map(|program| (channel, program)));
                    Ok(())
                }
            },
            Message::Resize(size) => {
                self.output(channel, format!("{}x{}", size.columns, size.rows).into_bytes()).await
            }
            Message::Credit(bytes) => {
                self.outputs.entry(channel).or_default().0 += bytes as usize;
                self.flush(channel).await
            }
            Message::Signal(signal) => self.stop(channel, Termination::Killed(signal)).await,
            Message::Kill => self.stop(channel, Termination::Cancelled).await,
            _ => Ok(()),
        }
    }

    async fn execute(&mut self, channel: u32, command: Command) -> io::Result<()> {
        self.outputs.insert(channel, (command.window as usize, VecDeque::new()));
        self.send(channel, &Frame::Started).await?;
        for late in std::mem::take(&mut self.late) {
            self.send(late, &Frame::Process(8)).await?;
        }
        match &command.call {
            Call::Program(args) if args == &["late"] => {
                self.programs.insert(channel, Program::Sleep);
                self.late.push(channel);
                return Ok(());
            }
            Call::Program(args) if args == &["broken"] => {
                return self.send(channel, &Frame::Failed("no such program".into())).await;
            }
            _ => {}
        }
        self.send(channel, &Frame::Process(7)).await?;
        self.send(channel, &Frame::Credit(CREDIT)).await?;
        let args = match command.call {
            Call::Program(args) => args,
            Call::Code { code, .. } => vec!["echo".into(), code],
            Call::Files(request) if FileStore::reads_content(&request) => {
                self.programs.insert(channel, Program::Files(request, Vec::new()));
                return Ok(());
            }
            Call::Files(request) => return self.call(channel, &request, &[]).await,
        };
        match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["echo", text] => {
                self.output(channel, text.into()).await?;
                self.end(channel, Termination::Exited(0)).await
            }
            ["fail", code] => {
                self.send(channel, &Frame::Output(Stream::Stderr, b"no".into())).await?;
                self.end(channel, Termination::Exited(code.parse().expect("a number"))).await
            }
            ["cat"] => {
                self.programs.insert(channel, Program::Cat);
                Ok(())
            }
            ["sleep"] => {
                self.programs.insert(channel, Program::Sleep);
                Ok(())
            }
            ["die"] => Err(io::ErrorKind::ConnectionReset.into()),
            _ => panic!("not a program of this runner: {args:?}"),
        }
    }

    async fn stop(&mut self, channel: u32, termination: Termination) -> io::Result<()> {
        match self.programs.remove(&channel) {
            Some(_) => self.end(channel, termination).await,
            None => Ok(()),
        }
    }

    async fn call(
        &mut self,
        channel: u32,
        request: &cofferdam_protocol::FileRequest,
        content: &[u8],
    ) -> io::Result<()> {
        for reply in self.files.call(request, content) {
            let reply = encode(cofferdam_protocol::CONTROL, &reply).expect("a short reply");
            self.output(channel, reply).await?;
        }
        if FileStore::goes_on(request) {
            self.programs.insert(channel, Program::Sleep);
            return Ok(());
        }
        self.end(channel, Termination::Exited(0)).await
    }

    async fn output(&mut self, channel: u32, bytes: Vec<u8>) -> io::Result<()> {
        let frames = bytes.chunks(CHUNK).map(|chunk| Frame::Output(Stream::Stdout, chunk.into()));
        self.outputs.entry(channel).or_default().1.extend(frames);
        self.flush(channel).await
    }

    async fn end(&mut self, channel: u32, termination: Termination) -> io::Result<()> {
        let end = [Frame::Terminated(termination, Duration::from_millis(1)), Frame::Done];
        self.outputs.entry(channel).or_default().1.extend(end);
        self.flush(channel).await
    }

    /// Sends what there is credit for.
    async fn flush(&mut self, channel: u32) -> io::Result<()> {
        while let Some((credit, frames)) = self.outputs.get_mut(&channel)
            && let Some(frame) = frames.front()
        {
            let bytes = if let Frame::Output(_, bytes) = frame { bytes.len() } else { 0 };
            if bytes > *credit {
                break;
            }
            *credit -= bytes;
            if let Some(frame) = frames.pop_front() {
                self.send(channel, &frame).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, channel: u32, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&encode(channel, frame).expect("a short frame")).await
    }
}
