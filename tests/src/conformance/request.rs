//! The request that a case makes.

use super::{Case, Failure};
use cofferdam_component::types::{File, Label, Limits, Request, Variable};

impl Case {
    pub(super) fn is_bash(&self) -> bool {
        self.stated.request.language.as_deref() == Some("bash")
    }

    /// Name of the program's file, in the folder and in the sandbox.
    pub(super) fn program(&self) -> &'static str {
        if self.is_bash() { "main.sh" } else { "main.py" }
    }

    pub(super) fn code(&self) -> Result<String, Failure> {
        let mut code = match &self.stated.request.code {
            Some(code) => code.clone(),
            None => String::from_utf8(self.file(self.program())?.ok_or("there is no program")?)?,
        };
        if let Some(size) = self.stated.request.code_size {
            code.extend(std::iter::repeat_n('#', size.saturating_sub(code.len())));
        }
        Ok(code)
    }

    pub(super) fn stdin(&self) -> Result<Option<Vec<u8>>, Failure> {
        match self.stated.request.stdin_size {
            Some(size) => {
                Ok(Some((0..).flat_map(|line: u32| format!("{line:07}\n").into_bytes()).take(size).collect()))
            }
            None => Ok(self.file("stdin")?),
        }
    }

    pub(super) fn files(&self) -> Result<Vec<File>, Failure> {
        let laid = self.tree("files")?.into_iter().map(|(path, content)| File { path, content });
        let stated = self.stated.request.files.iter().map(|file| {
            let mut content = file.content.clone().into_bytes();
            content.resize(content.len().max(file.size), b'x');
            File { path: file.path.clone(), content }
        });
        Ok(laid.chain(stated).collect())
    }

    pub(super) fn request(&self) -> Result<Request, Failure> {
        let stated = &self.stated.request;
        let limits = &stated.limits;
        Ok(Request {
            code: self.code()?,
            language: stated.language.clone(),
            args: Some(stated.args.clone()),
            env: Some(
                stated.env.iter().map(|(name, value)| Variable { name: name.clone(), value: value.clone() }).collect(),
            ),
            stdin: self.stdin()?,
            files: Some(self.files()?),
            collect: Some(stated.collect.clone()),
            limits: Some(Limits {
                wall_time_ms: limits.wall_time_ms,
                startup_time_ms: limits.startup_time_ms,
                cpu_millis: limits.cpu_millis,
                memory_bytes: limits.memory_bytes,
                disk_bytes: limits.disk_bytes,
                processes: limits.processes,
                output_bytes: limits.output_bytes,
                collected_files: limits.collected_files,
                collected_bytes: limits.collected_bytes,
            }),
            network: stated.network.clone(),
            labels: Some(
                stated.labels.iter().map(|(key, value)| Label { key: key.clone(), value: value.clone() }).collect(),
            ),
        })
    }
}
