//! The request that the command line describes.

use super::RunArgs;
use crate::cli::{
    Failure,
    input_files::{self, LocalFiles},
    language, stdin, variables,
};
use cofferdam_core::{inputs::LocalInput, policy::Language};
use cofferdam_types::{Request, quoted};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Reads the program and its inputs, except those that are streamed. Without `languages` the request is for a
/// sidecar that has its own.
pub(super) fn request(
    args: &RunArgs,
    languages: Option<&BTreeMap<String, Language>>,
    default_timeout: Duration,
) -> Result<(Request, Vec<LocalInput>), Failure> {
    let from_stdin = args.file == "-";
    let timeout = args.limits.startup_timeout_seconds.map_or(default_timeout, |time| time.0);
    let code = if from_stdin { stdin::program(timeout)? } else { input_files::read(Path::new(&args.file))? };
    let code = String::from_utf8(code).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is not UTF-8: byte {at} is invalid", quoted(&args.file))
    })?;
    let language = match &args.language {
        Some(named) => Some(named.clone()),
        None => language::choose(&args.file, &code, languages)?,
    };
    let label = |label: &String| match label.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!("--label {} is not KEY=VALUE", quoted(label))),
    };
    let (files, streamed) = match input_files::open_inputs(&args.files)? {
        LocalFiles::Inline(files) => (files, Vec::new()),
        LocalFiles::Streamed(inputs) => (Vec::new(), inputs),
    };
    let request = Request {
        code,
        language,
        args: args.args.clone(),
        env: environment(args)?,
        stdin: if from_stdin { Vec::new() } else { stdin::piped(args.stdin, timeout)?.unwrap_or_default() },
        files,
        collect: args.collect.clone(),
        limits: args.requested_limits(),
        network: args.network.clone(),
        // `--image` is a setting of this process.
        image: None,
        labels: args.label.iter().map(label).collect::<Result<_, String>>()?,
    };
    Ok((request, streamed))
}

fn environment(args: &RunArgs) -> Result<Vec<(String, String)>, Failure> {
    let options =
        args.env.iter().map(|option| variables::of_option(option)).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    for file in &args.env_file {
        let of_file = variables::of_file(file)?.into_iter();
        // An option takes precedence over a file.
        all.extend(of_file.filter(|variable| options.iter().all(|option| option.name != variable.name)));
    }
    all.extend(options);
    Ok(all.into_iter().map(|variable| (variable.name, variable.value)).collect())
}
