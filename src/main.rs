use std::process::ExitCode;

fn main() -> ExitCode {
    rushhour::cli::start().into()
}
