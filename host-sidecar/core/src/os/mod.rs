//! What the operating system offers to the process: the user's folders, files, programs and the process table.

pub mod proc_stat;
pub mod programs;
pub mod regular_file;
pub mod user_folders;
