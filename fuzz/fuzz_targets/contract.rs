//! A request that the contract accepts satisfies the contract. The error of any other can be shown on a
//! terminal.
#![no_main]

use arbitrary::Arbitrary;
use cofferdam_types::{
    RequestedLimits,
    validation::{MAX_ARGS_BYTES, MAX_INPUT, MAX_LABELS, MAX_PATTERNS, RequestView, check},
};
use libfuzzer_sys::fuzz_target;
use std::{
    collections::BTreeSet,
    path::{Component, Path},
};

#[derive(Debug, Arbitrary)]
struct Input {
    code: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: usize,
    files: Vec<(String, u32)>,
    collect: Vec<String>,
    limit: u64,
    labels: Vec<(String, String)>,
    /// Repeats paths, so that short inputs yield long ones.
    repetitions: u16,
}

fn pairs(texts: &[(String, String)]) -> Vec<(&str, &str)> {
    texts.iter().map(|(one, other)| (&**one, &**other)).collect()
}

fn are_unique<'a>(names: impl Iterator<Item = &'a str> + Clone) -> bool {
    names.clone().count() == names.collect::<BTreeSet<_>>().len()
}

/// Whether a relative path stays below its directory.
fn is_below(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fuzz_target!(|input: Input| {
    let Input { code, args, env, stdin, files, collect, limit, labels, repetitions } = &input;
    let files: Vec<_> =
        files.iter().map(|(path, size)| (path.repeat(usize::from(*repetitions).max(1)), *size)).collect();
    let request = RequestView {
        code,
        args,
        env: pairs(env),
        stdin: *stdin,
        files: files.iter().map(|(path, size)| (&**path, *size as usize)).collect(),
        collect,
        limits: RequestedLimits { memory_bytes: Some(*limit), ..RequestedLimits::default() },
        labels: pairs(labels),
    };
    if let Err(violation) = check(&request) {
        let message = violation.to_string();
        assert!(!message.chars().any(char::is_control) && message.len() <= 8 << 10, "{message}");
        return;
    }
    let args_and_variables =
        args.iter().map(|arg| &**arg).chain(env.iter().flat_map(|(name, value)| [&**name, &**value]));
    let texts = args_and_variables
        .chain([&**code])
        .chain(files.iter().map(|(path, _)| &**path))
        .chain(collect.iter().map(|one| &**one));
    assert!(texts.clone().all(|text| !text.contains('\0')));
    assert!(*stdin <= MAX_INPUT && *limit > 0);
    assert!(args.iter().map(String::len).sum::<usize>() <= MAX_ARGS_BYTES);
    assert!(env.iter().all(|(name, _)| !name.is_empty() && !name.contains('=')));
    assert!(
        are_unique(env.iter().map(|(name, _)| &**name)) && are_unique(files.iter().map(|(path, _)| &**path))
    );
    assert!(files.iter().all(|(path, _)| is_below(path)));
    assert!(files.iter().map(|(_, size)| *size as usize).sum::<usize>() <= MAX_INPUT);
    // No file is the parent directory of another.
    let paths = || files.iter().map(|(path, _)| Path::new(path));
    assert!(paths().all(|path| paths().filter(|other| other.starts_with(path)).count() == 1));
    assert!(collect.len() <= MAX_PATTERNS && labels.len() <= MAX_LABELS);
    assert!(
        collect
            .iter()
            .all(|pattern| !pattern.starts_with('/') && !pattern.split('/').any(|part| part == ".."))
    );
    assert!(labels.iter().all(|(key, value)| !format!("{key}{value}").chars().any(char::is_control)));
});
