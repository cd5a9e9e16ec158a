//! The command line, as it is typed.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use oci_merge::Level;
use std::path::PathBuf;

const TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Start
  init         Write oci-merge.toml: from a Dockerfile, or a demo
  check        Check every pair of layers, of a spec or of files; write nothing
  build        Make the layers, check them, and write or push the image
Images
  merge        Join archives, directories and images onto a base, without a spec
  push         Push an OCI layout or archive that was built earlier
Look
  inspect      Layers, sizes, prefixes and PATH of an image
  ls           Files of an image, with the layer each comes from
  explain      What a code such as OM0201 means, and what to do
Fix (edit oci-merge.toml, comments are kept)
  exclude      Leave paths out of layers
  own          Let a layer write paths outside its prefix
  allow        Let layers share a path, with a winner and a reason
Help yourself
  doctor       Test a registry: reachable, which login, pull, push, mount
  serve        A registry on 127.0.0.1 over an OCI layout, for trying things
  cache        Show or clean the local store
  completions, man, schema, version

{options}

Exit: 0 done, 1 checked and the answer is no, 2 usage or spec, 3 network, 4 not allowed, 5 wrong bytes,
      6 a program is missing, 7 the disk, 8 a tag was moved, 70 a bug, 130 and 143 interrupted";

/// Assemble one OCI image from independent layers, and prove that they do not clash
#[derive(Debug, Parser)]
#[command(name = "oci-merge", bin_name = "oci-merge", version, help_template = TEMPLATE, disable_help_subcommand = true)]
#[command(subcommand_required = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write oci-merge.toml: from a Dockerfile, or a demo
    Init(Init),
    /// Make the layers and check every pair of them, and each against the base; write nothing
    Check(Check),
    /// Make the layers, check them, and write or push the image
    Build(Build),
    /// Join archives, directories and images onto a base, without a spec
    Merge(Merge),
    /// Push an OCI layout or archive that was built earlier
    Push(Push),
    /// Show layers, sizes, prefixes and PATH of an image
    Inspect(Look),
    /// List the files of an image, with the layer each comes from
    Ls(Look),
    /// Explain a code: what it means, why it matters, what to do
    Explain {
        /// Such as OM0201; without it, every code in a line
        code: Option<String>,
    },
    /// Leave paths out of layers: edits oci-merge.toml, and keeps its comments
    Exclude {
        /// Names of layers, then globs: with a leading / of the image, else relative to the prefix
        #[arg(required = true, value_name = "LAYER... PATTERN")]
        words: Vec<String>,
    },
    /// Let a layer write paths outside its prefix: edits oci-merge.toml, and keeps its comments
    Own {
        /// The layer
        layer: String,
        /// Paths or globs of the image
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Let layers share a path, with a winner and a reason: edits oci-merge.toml, and keeps its comments
    Allow(Allow),
    /// Test a repository of a registry: can it be reached, which login is used, may we pull, push and mount
    Doctor(Doctor),
    /// Serve the images of an OCI layout as a registry on 127.0.0.1, until it is stopped: for trying things
    Serve(Serve),
    /// Show what the local store holds, or make room in it; what a run at work uses stays
    Cache(Cache),
    /// Print a completion script
    Completions {
        /// For this shell
        shell: Shell,
    },
    /// Print a manual page, in roff
    Man {
        /// Of this command; without it, of the program
        command: Option<String>,
    },
    /// Print the JSON schema of the spec file, or of a document that --json prints
    Schema {
        /// Which
        #[arg(default_value = "spec", value_parser = clap::builder::PossibleValuesParser::new(oci_merge::SCHEMAS))]
        name: String,
    },
    /// Print the version
    Version,
}

impl Command {
    /// Whether there is progress to show, or at least something that may be wrong with a registry.
    pub(crate) fn has_progress(&self) -> bool {
        use Command::{Build, Check, Doctor, Inspect, Ls, Merge, Push};
        matches!(self, Check(_) | Build(_) | Merge(_) | Push(_) | Ls(_) | Inspect(_) | Doctor(_))
    }

    /// Whether something goes to a registry.
    pub(crate) fn sends(&self) -> bool {
        let registry = |target: &Target| target.push || target.output.iter().any(|output| output == "type=registry");
        match self {
            Command::Build(build) => registry(&build.target),
            Command::Merge(merge) => registry(&merge.target),
            Command::Push(_) => true,
            _ => false,
        }
    }
}

const EVERYWHERE: &str = "Options of every command";

#[derive(Debug, Args)]
#[command(next_help_heading = EVERYWHERE)]
pub(crate) struct Common {
    /// Spec, - is stdin [default: oci-merge.toml, searched upwards]
    #[arg(short, long, global = true, env = "OCI_MERGE_FILE", hide_env = true)]
    pub(crate) file: Option<PathBuf>,
    /// Run as if started there
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show each request to a registry; -vv its headers too, without secrets
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// auto, tty, plain, json or none
    #[arg(long, global = true, env = "OCI_MERGE_PROGRESS", value_name = "MODE", default_value = "auto")]
    #[arg(hide_env = true, hide_default_value = true, hide_possible_values = true)]
    pub(crate) progress: ProgressMode,
    /// auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub(crate) color: clap::ColorChoice,
    /// Layers at a time [default: processors]
    #[arg(short, long, global = true, env = "OCI_MERGE_JOBS", hide_env = true, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// Credentials, before all other places that are looked at
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,
    /// Speak plain HTTP to this registry; repeatable
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,
    /// Do not check this registry's certificate; repeatable
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) insecure: Vec<String>,
    /// Let this host issue tokens for other registries; repeatable
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) auth_realm: Vec<String>,
    /// Trust these authorities as well (PEM); repeatable
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Vec<PathBuf>,
    /// Give up after so long, such as 90s, 15m or 2h
    #[arg(long, global = true, value_name = "TIME", value_parser = super::deadline::time)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Read more, or less, such as entries=100000; repeatable
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub(crate) limit: Vec<String>,
}

// No words for the values: with them, clap gives every option of the help three lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    Auto,
    Tty,
    Plain,
    Json,
    None,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false, args = ["demo", "from_dockerfile"])]
pub(crate) struct Init {
    /// Three toy tools on an empty base, and a fourth that clashes
    #[arg(long)]
    pub(crate) demo: bool,
    /// Every COPY --from=STAGE of its last stage becomes a layer; - is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) from_dockerfile: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Only these layers of the spec; or no spec, but these archives, directories (./DIR) and images, the first of which is the base
    #[arg(value_name = "LAYER|FILE|IMAGE", value_delimiter = ',')]
    pub(crate) what: Vec<String>,
    /// [default: the spec's, else the base's only one, else this machine's]
    #[arg(short, long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    #[arg(long, help = PORTABLE)]
    pub(crate) portable: bool,
    #[arg(long, help = TRUST_INDEX)]
    pub(crate) trust_index: bool,
    /// Read every layer, whatever is known of it
    #[arg(long, conflicts_with = "trust_index")]
    pub(crate) deep: bool,
    #[arg(long, help = PACK)]
    pub(crate) pack: bool,
}

const PORTABLE: &str = "Refuse names that differ in case or Unicode form only";
const PACK: &str = "Join small neighbouring layers if there are more than an image may have";
const TRUST_INDEX: &str = "Believe the path indexes that the images bring along, unseen";

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Only these layers of the spec
    #[arg(value_name = "LAYER", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// [default: the spec's, else the base's only one, else this machine's]
    #[arg(short, long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// An image, scratch, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE
    pub(crate) base: String,
    /// A directory, an archive or an image: INPUT, NAME=INPUT or NAME=INPUT:/prefix
    #[arg(required = true)]
    pub(crate) inputs: Vec<String>,
    /// [default: the base's only one, else this machine's]
    #[arg(short, long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// What a tag must be before it is moved.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct TagRace {
    /// Move a tag of the registry only if it stands for this
    #[arg(long, help_heading = "Where it goes", value_name = "DIGEST")]
    pub(crate) expect_digest: Option<String>,
    /// Move no tag of the registry, only make new ones
    #[arg(long, help_heading = "Where it goes")]
    pub(crate) create_only: bool,
}

/// Where an image goes, and the files that say so.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// To the registry; tags go last
    #[arg(long, help_heading = "Where it goes")]
    pub(crate) push: bool,
    /// Into docker or podman
    #[arg(long, help_heading = "Where it goes")]
    pub(crate) load: bool,
    /// type=oci|docker|registry|layer|none[,dest=PATH]; repeatable [default: ./image]
    #[arg(short, long, help_heading = "Where it goes", value_name = "SPEC")]
    pub(crate) output: Vec<String>,
    /// The image's name; repeatable [default: the spec's repository, tag full]
    #[arg(short, long, help_heading = "Where it goes", value_name = "REF")]
    pub(crate) tag: Vec<String>,
    #[command(flatten)]
    pub(crate) tag_race: TagRace,
    /// The repository, instead of the spec's
    #[arg(long, env = "OCI_MERGE_REPO", hide_env = true, help_heading = "Where it goes")]
    pub(crate) repo: Option<String>,
    /// Fail rather than send a layer's bytes to a registry
    #[arg(long, help_heading = "Where it goes")]
    pub(crate) no_layer_upload: bool,
    /// Make layers again, these or all, whatever the local store remembers
    #[arg(long, value_name = "LAYER", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub(crate) no_cache: Option<Vec<String>>,
    #[arg(long, help = PORTABLE)]
    pub(crate) portable: bool,
    /// How hard gzip tries, instead of the spec's: fast (2), default (5), or 2 to 9
    #[arg(long, value_name = "LEVEL")]
    pub(crate) compression_level: Option<Level>,
    #[arg(long, help = TRUST_INDEX)]
    pub(crate) trust_index: bool,
    #[arg(long, help = PACK)]
    pub(crate) pack: bool,
    /// Write the digest of the manifest
    #[arg(long, help_heading = "Results", value_name = "FILE")]
    pub(crate) digestfile: Option<PathBuf>,
    /// Write the digest of the config; you probably want --digestfile
    #[arg(long, help_heading = "Results", value_name = "FILE")]
    pub(crate) iidfile: Option<PathBuf>,
    /// Write JSON with buildx's keys
    #[arg(long, help_heading = "Results", value_name = "FILE")]
    pub(crate) metadata_file: Option<PathBuf>,
    /// Write every reference@digest, one a line
    #[arg(long, help_heading = "Results", value_name = "FILE")]
    pub(crate) image_refs: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// A layout or an archive: DIR, FILE, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE
    pub(crate) image: String,
    /// Where it goes; several are several names
    #[arg(required = true, value_name = "REFERENCE")]
    pub(crate) references: Vec<String>,
    #[command(flatten)]
    pub(crate) tag_race: TagRace,
}

#[derive(Debug, Args)]
pub(crate) struct Allow {
    /// Paths or globs of the image
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// The layer whose copy is in the image; it is stacked above the others
    #[arg(long, value_name = "LAYER")]
    pub(crate) winner: String,
    /// All layers that may write it; base is the base image [default: the two of the spec]
    #[arg(long, value_name = "LAYER", num_args = 1.., value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// Why this is right, for whoever reads the spec next
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Such as ghcr.io/jon/babylon; nothing is left there
    #[arg(value_name = "REGISTRY/REPOSITORY")]
    pub(crate) repository: String,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// An OCI layout or an archive of one: DIR, FILE, oci:DIR or oci-archive:FILE
    #[arg(default_value = "./image")]
    pub(crate) image: String,
    /// Take pushes too; a directory that is not there is made
    #[arg(long)]
    pub(crate) rw: bool,
    /// 0 is any free one
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Cache {
    /// Remove everything
    #[arg(long)]
    pub(crate) clean: bool,
    /// Remove what was not used for so long, such as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = super::amount::days)]
    pub(crate) older: Option<std::time::Duration>,
    /// Remove what was used the longest ago, until the rest has no more than this, such as 500MB
    #[arg(long, value_name = "SIZE", value_parser = super::amount::size)]
    pub(crate) down_to: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Look {
    /// DIR, FILE, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or a reference
    pub(crate) image: String,
    /// Of several, the image for this platform
    #[arg(short, long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
}
