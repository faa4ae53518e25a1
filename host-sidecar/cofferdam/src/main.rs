//! The program `cofferdam`; all of it is in the library.

fn main() -> std::process::ExitCode {
    cofferdam::cli::main()
}
