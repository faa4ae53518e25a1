//! The tools for sessions and their descriptions for a model. Pure.

use super::{
    SessionTool,
    arguments::{
        CloseArguments, ListFilesArguments, OpenArguments, ReadFileArguments, ReadOutputArguments,
        RunArguments, WriteFileArguments,
    },
    output_part::OutputPart,
    results::{MAX_LISTED_ENTRIES, ReadFile},
};
use crate::mcp::{
    McpConfig,
    schema::{apply_policy, closed, outcome, result, schema_of},
};
use cofferdam_core::{
    policy::{Limits, Policy},
    quantity::Bytes,
};
use cofferdam_http_api::{
    FileSummary,
    session::{FileList, Session, SessionExecution},
};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use std::sync::Arc;

/// The limits that a session does not have.
const NOT_OF_SESSIONS: [&str; 2] = ["collected_files", "collected_bytes"];

/// How long a session may live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mcp) enum SessionLife {
    /// It ends with this process, which a client has started.
    Process,
    /// It outlives its clients.
    Sidecar,
}

/// What the descriptions state.
pub(in crate::mcp) struct Definitions<'a> {
    pub(in crate::mcp) policy: &'a Policy,
    /// The limits of a call that requests none.
    pub(in crate::mcp) limits: &'a Limits,
    pub(in crate::mcp) config: &'a McpConfig,
    pub(in crate::mcp) life: SessionLife,
}

impl Definitions<'_> {
    pub(in crate::mcp) fn tools(&self) -> impl Iterator<Item = Tool> {
        SessionTool::ALL.into_iter().map(|tool| self.tool(tool))
    }

    fn tool(&self, tool: SessionTool) -> Tool {
        let is_isolated = self.policy.networks.is_empty();
        let annotations = annotations(tool).open_world(!is_isolated && tool == SessionTool::Run);
        Tool::new(tool.name(), self.description(tool), Arc::new(closed(self.input(tool))))
            .with_title(title(tool))
            .with_raw_output_schema(Arc::new(output(tool)))
            .with_annotations(annotations)
    }

    fn input(&self, tool: SessionTool) -> Value {
        let mut schema = match tool {
            SessionTool::Open => schema_of::<OpenArguments>(),
            SessionTool::Run => schema_of::<RunArguments>(),
            SessionTool::ReadOutput => schema_of::<ReadOutputArguments>(),
            SessionTool::WriteFile => schema_of::<WriteFileArguments>(),
            SessionTool::ReadFile => schema_of::<ReadFileArguments>(),
            SessionTool::ListFiles => schema_of::<ListFilesArguments>(),
            SessionTool::Close => schema_of::<CloseArguments>(),
        };
        let properties = &mut schema["properties"];
        match tool {
            SessionTool::Open => {
                apply_policy(properties, self.policy);
                if let Some(limits) = properties["limits"]["properties"].as_object_mut() {
                    limits.retain(|name, _| !NOT_OF_SESSIONS.contains(&&**name));
                }
            }
            SessionTool::Run => {
                let longest = self.policy.ceilings.wall_time().as_secs_f64();
                properties["timeout_seconds"]["maximum"] = longest.into();
            }
            _ => {}
        }
        schema
    }

    fn description(&self, tool: SessionTool) -> String {
        let Self { limits, config, .. } = self;
        let size = |bytes: u64| format!("{}B", Bytes(bytes));
        match tool {
            SessionTool::Open => {
                let life = match self.life {
                    SessionLife::Process => "It ends at the latest when this server ends, with its client.",
                    SessionLife::Sidecar => "It outlives the connection: whoever has its id can go on with it.",
                };
                let network = if self.policy.networks.is_empty() {
                    "There is no network: nothing can be downloaded or installed."
                } else {
                    "There is no network unless the argument network selects one."
                };
                format!(
                    "Opens a session: a sandbox that keeps its files and processes from one call to the next. Returns its id, \
                     which the tools for sessions need.

- {life} Close it when you need it no longer.
- {network}
- Limits: {} of memory, {} of disk, {} processes and threads.",
                    size(limits.memory_bytes),
                    size(limits.disk_bytes),
                    limits.processes,
                )
            }
            SessionTool::Run => format!(
                "Runs a command in a session and returns its exit code and its output.

- It sees the files and processes of earlier commands. A shell's variables and its directory are not kept: pass env and \
                 working_dir.
- Processes that it leaves behind are killed when it ends. To keep one, such as a server, run it with background: the \
                 call returns the execution's id and the pid at once, read_output returns the output, and the command kill \
                 ends it.
- Limits: {} s (timeout_seconds, up to {}). Of each of stdout and stderr {} are kept; the middle of longer output is cut \
                 out and marked.
- A command that fails gives a normal result with its exit code and stderr. If the call is cancelled or its client \
                 disconnects, the command is killed, unless it runs in the background; the session stays.",
                limits.wall_time().as_secs_f64(),
                self.policy.ceilings.wall_time().as_secs_f64(),
                size(limits.output_bytes),
            ),
            SessionTool::ReadOutput => format!(
                "Returns the output of a command of a session from a position on, and its exit code if it has ended. At most \
                 {} at once. Unless complete is true, pass next_position as the position of the next call. Of a command in the \
                 background only the last output is kept; missing is the number of bytes that are gone.",
                size(config.output_limit.0),
            ),
            SessionTool::WriteFile => {
                "Writes a file in a session, and replaces an old one. Missing directories are made.".into()
            }
            SessionTool::ReadFile => format!(
                "Returns a file of a session: an image as an image, text as text, others as base64. At most the first {}; \
                 truncated says whether there are more.",
                size(config.collected_limit.0),
            ),
            SessionTool::ListFiles => format!(
                "Lists a directory of a session: paths relative to it, sorted, with kinds and sizes. At most {MAX_LISTED_ENTRIES} \
                 entries are returned; total is the number of all."
            ),
            SessionTool::Close => {
                "Closes a session: its processes are killed, and its files are deleted.".into()
            }
        }
    }
}

const fn title(tool: SessionTool) -> &'static str {
    match tool {
        SessionTool::Open => "Open a session",
        SessionTool::Run => "Run a command in a session",
        SessionTool::ReadOutput => "Read the output of a command",
        SessionTool::WriteFile => "Write a file in a session",
        SessionTool::ReadFile => "Read a file of a session",
        SessionTool::ListFiles => "List a directory of a session",
        SessionTool::Close => "Close a session",
    }
}

/// What a tool does to the session, which is all that it can change without a network.
fn annotations(tool: SessionTool) -> ToolAnnotations {
    let annotations = ToolAnnotations::new();
    match tool {
        SessionTool::Open => annotations.read_only(false).destructive(false),
        SessionTool::Run => annotations.read_only(false).destructive(true),
        SessionTool::WriteFile | SessionTool::Close => {
            annotations.read_only(false).destructive(true).idempotent(true)
        }
        SessionTool::ReadOutput | SessionTool::ReadFile | SessionTool::ListFiles => {
            annotations.read_only(true)
        }
    }
}

fn output(tool: SessionTool) -> JsonObject {
    result(match tool {
        SessionTool::Open => {
            let mut session = schema_of::<Session>();
            session["properties"]["is_new"] =
                json!({ "type": "boolean", "description": "Whether this call has opened it." });
            vec![session]
        }
        SessionTool::Run => vec![outcome(), schema_of::<SessionExecution>()],
        SessionTool::ReadOutput => vec![schema_of::<OutputPart>()],
        SessionTool::WriteFile => vec![schema_of::<FileSummary>()],
        SessionTool::ReadFile => vec![schema_of::<ReadFile>()],
        SessionTool::ListFiles => {
            let mut list = schema_of::<FileList>();
            list["properties"]["total"] =
                json!({ "type": "integer", "description": "The number of all entries." });
            vec![list]
        }
        SessionTool::Close => vec![json!({
            "type": "object",
            "properties": { "id": { "type": "string", "description": "The id of the closed session." } },
            "required": ["id"],
        })],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::defaults;
    use cofferdam_http_api::object::Object;

    fn tools(policy: &Policy, life: SessionLife) -> Vec<Value> {
        let config = McpConfig::default();
        let limits = defaults::limits(policy, &config);
        let definitions = Definitions { policy, limits: &limits, config: &config, life };
        definitions.tools().map(|tool| json!(tool)).collect()
    }

    #[test]
    fn every_argument_is_described_and_no_other_is_allowed() {
        let policy = Policy { networks: ["web".to_owned()].into(), ..Policy::default() };
        let tools = tools(&policy, SessionLife::Sidecar);
        let members = [
            OpenArguments::MEMBERS,
            RunArguments::MEMBERS,
            ReadOutputArguments::MEMBERS,
            WriteFileArguments::MEMBERS,
            ReadFileArguments::MEMBERS,
            ListFilesArguments::MEMBERS,
            CloseArguments::MEMBERS,
        ];
        for (tool, members) in tools.iter().zip(members) {
            let schema = &tool["inputSchema"];
            let properties = schema["properties"].as_object().expect("an object");
            let mut known: Vec<_> = members.to_vec();
            known.retain(|name| *name != "image");
            known.sort_unstable();
            assert_eq!(properties.keys().collect::<Vec<_>>(), known);
            assert!(properties.values().all(|property| property["description"].is_string()), "{schema}");
            assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
            assert!(!tool.to_string().contains("$ref"), "{tool}");
            let required = schema["required"].as_array().map_or(0, Vec::len);
            assert_eq!(required == 0, tool["name"] == "open_session", "{schema}");
        }
        assert_eq!(tools[0]["inputSchema"]["properties"]["network"]["enum"], json!(["none", "web"]));
        let limits = &tools[0]["inputSchema"]["properties"]["limits"]["properties"];
        assert!(limits["memory_bytes"].is_object() && limits["collected_files"].is_null(), "{limits}");
    }

    #[test]
    fn the_description_says_how_long_a_session_lives() {
        let description = |life| tools(&Policy::default(), life)[0]["description"].to_string();
        assert!(description(SessionLife::Process).contains("when this server ends, with its client"));
        assert!(description(SessionLife::Sidecar).contains("outlives the connection"));
        assert!(description(SessionLife::Sidecar).contains("no network: nothing can be downloaded"));
    }
}
