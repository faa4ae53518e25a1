//! The arguments of a call. Pure.

use super::{
    argument_reader::{self, invalid, milliseconds, unknown_argument},
    input_file::{HostFile, InputFile, Source},
    number::Number,
};
use cofferdam_http_api::{
    bounded::BoundedString,
    object::{Object, ObjectSeed, optional},
    request::{ARGS, COLLECT, ENV, files},
};
use cofferdam_types::{
    Error, Request, RequestedLimits,
    validation::{MAX_CODE, MAX_IMAGE, MAX_INPUT, MAX_NAME},
};
use serde::de::{self, MapAccess};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The files that a call collects unless it says otherwise.
const DEFAULT_COLLECT: &str = "*";

/// What a call asks for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct CallRequest {
    pub(super) request: Request,
    /// Files and folders of the host that are copied into the working directory.
    pub(super) host_files: Vec<HostFile>,
}

/// Reads the arguments of a message that is a call. A call can request no limit other than the wall time.
pub(super) fn read(message: &[u8]) -> Result<CallRequest, Error> {
    argument_reader::read::<Arguments>(message)?.into_request()
}

/// A program to execute.
// The doc comments of the struct and its fields are the descriptions of the schema, which a model reads.
#[derive(Default, ToSchema)]
pub(super) struct Arguments {
    /// Source code of the whole program, at most 1 MiB.
    #[schema(value_type = String, required)]
    code: Option<String>,
    /// Language of the program.
    #[schema(value_type = String, required = false)]
    language: Option<String>,
    /// Command-line arguments of the program.
    #[schema(required = false, default = json!([]))]
    args: Vec<String>,
    /// Environment variables of the program.
    #[schema(required = false, default = json!({}))]
    env: BTreeMap<String, String>,
    /// Text for the program's standard input.
    #[schema(required = false, default = "")]
    stdin: String,
    /// Files to write to the working directory before the program starts, at most 8 MiB in total.
    #[schema(inline, required = false, default = json!([]))]
    files: Vec<InputFile>,
    /// Glob patterns, relative to the working directory, of the files to return: * and ? match within one
    /// component of a path, ** matches several (out/**/*.csv). An empty list returns no files.
    #[schema(value_type = Vec<String>, required = false, default = json!([DEFAULT_COLLECT]))]
    collect: Option<Vec<String>>,
    /// Seconds that the program may run before it is killed.
    #[schema(value_type = f64, required = false, exclusive_minimum = 0)]
    timeout_seconds: Option<f64>,
    /// Network profile of the program.
    #[schema(value_type = String, required = false)]
    network: Option<String>,
    /// Image of the sandbox, in place of the one that the language has.
    #[schema(value_type = String, required = false)]
    image: Option<String>,
}

impl Object for Arguments {
    const MEMBERS: &'static [&'static str] = &[
        "code",
        "language",
        "args",
        "env",
        "stdin",
        "files",
        "collect",
        "timeout_seconds",
        "network",
        "image",
    ];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "code" => self.code = optional(map, BoundedString::content(MAX_CODE))?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "args" => self.args = optional(map, ARGS)?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "stdin" => self.stdin = optional(map, BoundedString::content(MAX_INPUT))?.unwrap_or_default(),
            "files" => self.files = optional(map, files(ObjectSeed::new()))?.unwrap_or_default(),
            "collect" => self.collect = optional(map, COLLECT)?,
            "timeout_seconds" => self.timeout_seconds = optional(map, Number)?,
            "network" => self.network = optional(map, BoundedString::name(MAX_NAME))?,
            _ => self.image = optional(map, BoundedString::name(MAX_IMAGE))?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        unknown_argument::<Self, E>(name)
    }
}

impl Arguments {
    fn into_request(self) -> Result<CallRequest, Error> {
        let (mut files, mut host_files) = (Vec::new(), Vec::new());
        for file in self.files {
            match file.into_source()? {
                Source::Content(file) => files.push(file),
                Source::Host(file) => host_files.push(file),
            }
        }
        let request = Request {
            code: self.code.ok_or_else(|| invalid("code is missing; pass the source code of a program"))?,
            language: self.language,
            args: self.args,
            env: self.env.into_iter().collect(),
            stdin: self.stdin.into_bytes(),
            files,
            collect: self.collect.unwrap_or_else(|| vec![DEFAULT_COLLECT.into()]),
            limits: RequestedLimits {
                wall_time_ms: self
                    .timeout_seconds
                    .map(|seconds| milliseconds("timeout_seconds", seconds))
                    .transpose()?,
                ..RequestedLimits::default()
            },
            network: self.network,
            image: self.image,
            ..Request::default()
        };
        Ok(CallRequest { request, host_files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::ErrorCode;
    use serde_json::{Value, json};

    fn read(arguments: Value) -> Result<Request, String> {
        read_call(arguments).map(|call| call.request)
    }

    fn read_call(arguments: Value) -> Result<CallRequest, String> {
        let message = json!({ "a": [{}], "params": { "b": 1, "arguments": arguments, "c": {} }, "d": null });
        super::read(message.to_string().as_bytes()).map_err(|error| error.message)
    }

    #[test]
    fn only_code_is_required() {
        let request = read(json!({ "code": "1", "args": null })).expect("a request");
        assert_eq!(
            (&*request.code, &request.language, &*request.collect),
            ("1", &None, &["*".to_owned()][..])
        );
        assert_eq!(request.limits, RequestedLimits::default());
        let optional = Arguments::MEMBERS.iter().filter(|name| **name != "code");
        let nulls = optional.map(|name| ((*name).to_owned(), Value::Null));
        let arguments = [("code".into(), json!("1"))].into_iter().chain(nulls).collect();
        assert_eq!(read(Value::Object(arguments)), Ok(request));
    }

    #[test]
    fn files_are_text_or_base64() {
        let files = json!([{ "path": "a", "content": "ä", "content_base64": null }, { "path": "b", "content_base64": "_w\nA" }]);
        let request =
            read(json!({ "code": "1", "files": files, "timeout_seconds": 0.0001 })).expect("a request");
        let contents: Vec<_> = request.files.into_iter().map(|file| file.content).collect();
        assert_eq!(contents, ["ä".as_bytes().to_vec(), vec![0xff, 0]]);
        assert_eq!(request.limits.wall_time_ms, Some(1));
    }

    #[test]
    fn a_file_may_be_one_of_the_host() {
        let files =
            json!([{ "path": "a", "content": "1" }, { "path": "b", "source": "x/y.csv", "content": null }]);
        let call = read_call(json!({ "code": "1", "files": files })).expect("a call");
        assert_eq!(call.request.files, [cofferdam_types::File::new("a", b"1")]);
        assert_eq!(call.host_files, [HostFile { path: "b".into(), source: "x/y.csv".into() }]);
    }

    #[test]
    fn the_name_of_an_argument_cannot_make_a_call_too_large() {
        for arguments in [
            json!({ "code": "1", "too large: at most ": 1 }),
            json!({ "code": "1", "files": [{ "path": "a", "too large: at most ": 1 }] }),
        ] {
            let message = json!({ "params": { "arguments": arguments } }).to_string();
            let error = super::read(message.as_bytes()).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
        }
        let message = json!({ "params": { "arguments": { "code": "x".repeat(MAX_CODE + 1) } } }).to_string();
        assert_eq!(super::read(message.as_bytes()).expect_err("refused").code, ErrorCode::TooLarge);
    }

    #[test]
    fn an_error_names_the_argument() {
        for (arguments, part) in [
            (json!({}), "code is missing"),
            (json!({ "code": 5 }), "code: invalid type: integer"),
            (json!({ "code": "1", "args": "a" }), "args: invalid type: string"),
            (json!({ "code": "1", "timeout_seconds": "5" }), "timeout_seconds: invalid type"),
            (json!({ "code": "1", "timeout_seconds": 0 }), "timeout_seconds must be greater than 0"),
            (json!({ "code": "1", "timeout": 5 }), "unknown argument `timeout`; the arguments are: code,"),
            (json!({ "code": "1", "files": [{ "content": "" }] }), "files: missing field `path`"),
            (json!({ "code": "1", "files": [{ "path": "a" }] }), "`a` needs either"),
            (
                json!({ "code": "1", "files": [{ "path": "a", "content": "", "source": "b" }] }),
                "`a` has both a source and content",
            ),
            (
                json!({ "code": "1", "files": [{ "path": "a", "source": "x".repeat(5000) }] }),
                "source: a name is longer than 4096 bytes",
            ),
            (
                json!({ "code": "1", "files": [{ "path": "a", "content_base64": "?" }] }),
                "`a` is not valid base64",
            ),
            (
                json!({ "code": "1", "files": [{ "path": "a", "content": "", "mode": 1 }] }),
                "unknown field `mode`",
            ),
            (json!({ "code": "1", "files": [["a", "b"]] }), "files: invalid type: sequence"),
            (json!({ "code": "1", "env": [["a", "b"]] }), "env: invalid type: sequence"),
            (json!({ "code": [0] }), "code: invalid type: sequence, expected a string"),
            (
                json!({ "code": "1", "args": vec![""; 1025] }),
                "args: too large: at most 1024 arguments are allowed",
            ),
            (
                json!({ "code": "1", "collect": vec!["a"; 65] }),
                "collect: too large: at most 64 patterns are allowed",
            ),
            (
                json!({ "code": "1", "language": "x".repeat(1 << 20) }),
                "language: a name is longer than 63 bytes",
            ),
            (
                json!({ "code": "x".repeat((1 << 20) + 1) }),
                "code: too large: at most 1048576 bytes are allowed",
            ),
            (json!({ "code": "1", "timeout_seconds": "x".repeat(1 << 20) }), "timeout_seconds: invalid type"),
            (json!({ "code": "1", ("x".repeat(1 << 20)): 1 }), "unknown argument `xxx"),
        ] {
            let message = read(arguments.clone()).expect_err("refused");
            assert!(message.contains(part), "{arguments:.200}: {message}");
            assert!(message.len() < 512 && !message.contains("line 1"), "{message}");
        }
    }
}
