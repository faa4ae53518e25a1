//! Uses of the operating system: the user's directories, files, programs and the process table.

pub mod proc_stat;
pub mod programs;
pub mod regular_file;
pub mod user_dirs;
