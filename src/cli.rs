//! The command line. Its flags are fixed: operators' scripts rely on them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A Moonlight host for headless GPU machines.
#[derive(Debug, Parser)]
#[command(name = "earthshine", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer Moonlight clients on this machine.
    Serve(ServeArgs),
    /// Say what this machine offers and what is missing.
    Doctor(DoctorArgs),
    /// Enter the PIN that a Moonlight client shows.
    Pair(PairArgs),
    /// One stream; started by `serve`.
    #[command(hide = true)]
    Worker,
}

/// `earthshine serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML) on top of the built-in defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where identity, paired clients, homes and logs are kept.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where sockets of running desktops are.
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Address to listen on; all of them if not given.
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// HTTP port; all other ports are fixed offsets from it.
    #[arg(long, value_name = "BASE", default_value_t = DEFAULT_BASE_PORT)]
    pub port: u16,
    /// Unix socket of the REST API; in the runtime directory if not given.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
    /// Address of the Prometheus metrics; loopback, base port + 1, if not given.
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<SocketAddr>,
}

/// `earthshine doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Configuration file that `serve` would get.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Base port that `serve` would get.
    #[arg(long, value_name = "BASE", default_value_t = DEFAULT_BASE_PORT)]
    pub port: u16,
}

/// `earthshine pair`.
#[derive(Debug, Args)]
pub struct PairArgs {
    /// The four digits that the client shows.
    pub pin: String,
    /// Address of the client, if several are waiting.
    #[arg(long, value_name = "ADDR")]
    pub client: Option<IpAddr>,
    /// Unix socket of the host's REST API.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
}

/// The port that Moonlight clients try when none is given.
pub const DEFAULT_BASE_PORT: u16 = 47989;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_takes_the_flags_that_scripts_rely_on() {
        let line = "earthshine serve --config c --state-dir s --runtime-dir r --bind 127.0.0.1 --port 50000 \
                    --api-socket a --metrics 127.0.0.1:9000";
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Serve(args) = cli.command else { panic!("not serve") };
        assert_eq!(args.port, 50000);
        assert_eq!(args.metrics, Some(([127, 0, 0, 1], 9000).into()));
    }
}
