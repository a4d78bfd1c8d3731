//! `earthshine bench peers`: other programs beside ours, with the same pictures in and the
//! same sockets out. Two groups:
//!
//! Those of the first are **fed** with raw pictures. A picture counts as handed over when the
//! last of its bytes is in the program's pipe.
//!
//! Those of the second **capture** a screen by themselves: each gets a desktop of its own, of
//! one kind for all, with the window that draws the content. Which frame was seen and when it was
//! drawn is read from the picture.
//!
//! A frame counts as sent when the packet was read that makes it whole. What was sent is
//! decoded, so that a frame that is not what it should be counts for nobody.

mod captured;
mod capturing;
mod fed;
mod feeding;
mod program;
mod receiver;
mod round;
pub mod rtp_h264;

use anyhow::ensure;

use self::captured::Capturer;
use self::fed::Program;
use self::round::Round;
use crate::bench::progress;
use crate::bench::report::{Case, Machine, Plot, PlotKind, Report, Series, short};
use crate::cli::{PeerGroup, PeersArgs};
use crate::content::Content;

/// One of those that are compared.
#[derive(Debug)]
enum Peer {
    Fed(Program),
    Capturing(Capturer),
}

/// Measures all that is installed.
///
/// # Errors
/// If nothing can be measured at all; what a case meets is in its report.
pub async fn run(args: &PeersArgs) -> anyhow::Result<Report> {
    let (peers, remarks) = all(args);
    ensure!(!peers.is_empty(), "nothing to do: no program has such a name (--only)");
    let machine = Machine::look();
    let combinations: Vec<_> =
        args.contents.iter().flat_map(|content| peers.iter().map(move |peer| (*content, peer))).collect();
    let mut cases: Vec<_> = combinations.iter().map(|(content, peer)| Case::new(name(args, *content, peer))).collect();
    let mut last: Vec<Option<Round>> = combinations.iter().map(|_| None).collect();
    let total = combinations.len() * args.rounds as usize;
    for number in 0..total {
        let at = number % combinations.len();
        let ((content, peer), case) = (combinations[at], &mut cases[at]);
        progress::show(number, total, &case.name);
        if !case.problem.is_empty() {
            continue;
        }
        let round = match peer {
            Peer::Fed(program) => tokio::task::block_in_place(|| feeding::measure(program, content, args)),
            Peer::Capturing(capturer) => capturing::measure(capturer, content, args).await,
        };
        match round {
            Ok(round) => {
                round.add_to(case, peer);
                last[at] = Some(round);
            }
            Err(error) => case.problem = format!("{error:#}"),
        }
    }
    progress::show(total, total, "");
    for ((case, (_, peer)), round) in cases.iter_mut().zip(&combinations).zip(&last) {
        case.plots.extend(round.iter().flat_map(|round| round.plots(peer, args)));
    }
    let groups = args.contents.iter().flat_map(|content| args.groups.iter().map(move |group| (*content, *group)));
    let together = groups.filter_map(|(content, group)| together(args, content, group, &combinations, &last));
    let cases = together.chain(cases).collect();
    Ok(Report { remarks, ..Report::new("peers", machine, cases) })
}

impl Peer {
    fn name(&self) -> &str {
        match self {
            Self::Fed(program) => &program.name,
            Self::Capturing(capturer) => &capturer.name,
        }
    }

    const fn group(&self) -> PeerGroup {
        match self {
            Self::Fed(_) => PeerGroup::Fed,
            Self::Capturing(_) => PeerGroup::Captured,
        }
    }

    /// What is measured of a frame.
    const fn way(&self) -> &'static str {
        way(self.group())
    }
}

const fn way(group: PeerGroup) -> &'static str {
    match group {
        PeerGroup::Fed => "handed over to last packet",
        PeerGroup::Captured => "drawn to last packet",
    }
}

/// Those that are wanted and installed, and a remark for each that is not installed.
fn all(args: &PeersArgs) -> (Vec<Peer>, Vec<String>) {
    let (mut peers, mut remarks) = (Vec::new(), Vec::new());
    if args.groups.contains(&PeerGroup::Fed) {
        let (programs, said) = fed::all(args);
        peers.extend(programs.into_iter().map(Peer::Fed));
        remarks.extend(said);
    }
    if args.groups.contains(&PeerGroup::Captured) {
        let (capturers, said) = captured::all(args);
        peers.extend(capturers.into_iter().map(Peer::Capturing));
        remarks.extend(said);
    }
    if !args.only.is_empty() {
        peers.retain(|peer| args.only.iter().any(|word| peer.name().contains(word.as_str())));
    }
    (peers, remarks)
}

/// The same in every run that is asked for the same.
fn name(args: &PeersArgs, content: Content, peer: &Peer) -> String {
    let rate = short(f64::from(args.bitrate) / 1000.0);
    format!("{}, {rate} Mbit/s: {}", subject(args, content, peer.group()), peer.name())
}

fn subject(args: &PeersArgs, content: Content, group: PeerGroup) -> String {
    format!("{} {}, {} at {} Hz", content.name(), group.name(), args.size, args.fps)
}

/// All programs of a group in one plot, if it has any.
fn together(
    args: &PeersArgs,
    content: Content,
    group: PeerGroup,
    combinations: &[(Content, &Peer)],
    rounds: &[Option<Round>],
) -> Option<Case> {
    let of_case = combinations.iter().zip(rounds).filter(|((of, peer), _)| *of == content && peer.group() == group);
    let series: Vec<_> = of_case
        .filter_map(|((_, peer), round)| {
            Some(Series { name: peer.name().to_owned(), values: round.as_ref()?.millis.clone() })
        })
        .collect();
    let mut from = way(group).to_owned();
    from[..1].make_ascii_uppercase();
    let title = format!("{from}, by program");
    let (kind, unit) = (PlotKind::Distribution, "ms".to_owned());
    let mut case = Case::new(format!("{}: all programs", subject(args, content, group)));
    case.plots.push(Plot { title, kind, unit, target: None, series });
    combinations.iter().any(|(_, peer)| peer.group() == group).then_some(case)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{BenchCommand, Cli, Command};

    pub(super) fn args(flags: &str) -> PeersArgs {
        let line = format!("earthshine bench peers {flags}");
        let Command::Bench(bench) = Cli::parse_from(line.split_whitespace()).command else { panic!("no bench") };
        let BenchCommand::Peers(args) = bench.command else { panic!("not peers") };
        args
    }

    #[test]
    fn groups_and_words_choose() {
        let names = |flags: &str| {
            let (args, peers) = (args(flags), all(&args(flags)).0);
            peers.iter().map(|peer| name(&args, Content::Text, peer)).collect::<Vec<_>>()
        };
        let ours = |group: &str| format!("text {group}, 1920x1080 at 60 Hz, 20.0 Mbit/s: earthshine, software");
        assert_eq!(names("--only earthshine,nobody"), [ours("fed"), ours("captured")]);
        assert_eq!(names("--only earthshine --groups captured"), [ours("captured")]);
        assert!(names("--only nobody").is_empty());
    }
}
