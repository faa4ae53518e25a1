//! The request that the command line describes.

use super::RunArgs;
use crate::cli::{Failure, files, language, stdin, variables};
use cofferdam_core::{policy::Language, quantity::Seconds};
use cofferdam_types::{Request, RequestedLimits, quoted};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Reads all that belongs to the request. Without `languages` it is for a sidecar that has its own.
pub(super) fn request(
    args: &RunArgs,
    languages: Option<&BTreeMap<String, Language>>,
    default_patience: Duration,
) -> Result<Request, Failure> {
    let from_stdin = args.file == "-";
    let patience = args.startup_timeout.map_or(default_patience, |time| time.0);
    let code = if from_stdin { stdin::program(patience)? } else { files::read(Path::new(&args.file))? };
    let code = String::from_utf8(code).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is not a text in UTF-8: byte {at} cannot be part of one", quoted(&args.file))
    })?;
    let language = match &args.language {
        Some(named) => Some(named.clone()),
        None => language::choose(&args.file, &code, languages)?,
    };
    let label = |label: &String| match label.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!("--label {} is not KEY=VALUE", quoted(label))),
    };
    Ok(Request {
        code,
        language,
        args: args.args.clone(),
        env: environment(args)?,
        stdin: if from_stdin { Vec::new() } else { stdin::piped(args.stdin, patience)?.unwrap_or_default() },
        files: args.files.iter().map(|file| files::read_input(file)).collect::<Result<_, _>>()?,
        collect: args.collect.clone(),
        limits: limits(args),
        network: args.network.clone(),
        labels: args.label.iter().map(label).collect::<Result<_, String>>()?,
    })
}

fn environment(args: &RunArgs) -> Result<Vec<(String, String)>, Failure> {
    let options = args.env.iter().map(|option| variables::of_option(option)).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    for file in &args.env_file {
        let of_file = variables::of_file(file)?.into_iter();
        // As anywhere, an option wins over a file.
        all.extend(of_file.filter(|variable| options.iter().all(|option| option.name != variable.name)));
    }
    all.extend(options);
    Ok(all.into_iter().map(|variable| (variable.name, variable.value)).collect())
}

fn limits(args: &RunArgs) -> RequestedLimits {
    let milliseconds = |time: Seconds| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX);
    RequestedLimits {
        wall_time_ms: args.timeout.map(milliseconds),
        startup_time_ms: args.startup_timeout.map(milliseconds),
        cpu_millis: args.cpu.map(|cpu| cpu.0),
        memory_bytes: args.memory.map(|bytes| bytes.0),
        disk_bytes: args.disk.map(|bytes| bytes.0),
        processes: args.processes,
        output_bytes: args.output_limit.map(|bytes| bytes.0),
        collected_files: args.collected_files,
        collected_bytes: args.collected_limit.map(|bytes| bytes.0),
    }
}
