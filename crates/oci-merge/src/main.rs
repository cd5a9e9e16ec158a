//! The binary: flags as they are typed, meant as a spec and settings, one call of the library, one print.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
