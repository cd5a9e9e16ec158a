//! `[layer.NAME]`: one tool's files.

use super::config::variables_written;
use super::document::Member;
use super::error::BAD_VALUE;
use super::placeholder::{Arch, Placeholders};
use super::project::platforms;
use super::table::{Table, Written};
use super::{FromSpec, SourceSpec, Span, from, keys, source};
use oci_merge_image::{LayerPath, Platform, Prefix, shown};
use oci_merge_layer::Pattern;
use oci_merge_layer::check::Owner;

/// `[layer.NAME]`.
#[derive(Debug, Clone)]
pub struct LayerSpec {
    /// The name in the table's header.
    pub name: String,
    /// What `{version}` stands for.
    pub version: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The directory that it owns.
    pub prefix: Prefix,
    /// The layers that lie below it wherever it is, and whose prefixes it may lie in or around.
    pub needs: Vec<Needed>,
    /// Further paths or globs that it may write, from the root of the image.
    pub owns: Vec<String>,
    /// Paths or globs of layers that it needs, which it may replace.
    pub overrides: Vec<String>,
    /// Globs of what is left out; with a leading `/` from the root of the image, else from the prefix.
    pub exclude: Vec<String>,
    /// Absolute directories to put in front of PATH.
    pub path: Vec<String>,
    /// Variables, their placeholders filled in, in the order of the file.
    pub env: Vec<(String, String)>,
    /// The platforms it is for; empty: all of the project's.
    pub platforms: Vec<Platform>,
    /// Where its files come from; none, if they come from an image.
    pub sources: Vec<SourceSpec>,
    /// The image that its files come from.
    pub from: Option<FromSpec>,
    /// How the directories above what it owns are written.
    pub ancestors: Ancestors,
    /// Its header, `[layer.NAME]`.
    pub span: Span,
}

impl LayerSpec {
    /// Whether it is for a platform.
    pub(crate) fn is_for(&self, platform: &Platform) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|p| p.matches(platform))
    }

    /// A layer that no file says, still without files.
    pub(crate) fn without_file(name: String, prefix: Prefix) -> LayerSpec {
        LayerSpec {
            name,
            version: None,
            description: None,
            prefix,
            needs: Vec::new(),
            owns: Vec::new(),
            overrides: Vec::new(),
            exclude: Vec::new(),
            path: Vec::new(),
            env: Vec::new(),
            platforms: Vec::new(),
            sources: Vec::new(),
            from: None,
            ancestors: Ancestors::Emit,
            span: Span::default(),
        }
    }
}

/// One of `needs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The name of the layer.
    pub layer: String,
    /// Where it is said.
    pub span: Span,
}

/// How a layer writes the directories above its prefix (design: collisions, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ancestors {
    /// As entries of their own, 0755 0:0; those of `owns` as the base has them.
    #[default]
    Emit,
    /// As entries of their own, with the attributes that the base gives them.
    Base,
    /// Not at all.
    Omit,
}

/// Reads `[layer]`.
pub(super) fn read(top: &Table<'_>) -> Vec<LayerSpec> {
    let why = "a spec has at least one [layer.NAME]";
    let Some(node) = top.get("layer") else {
        top.missing("layer", why);
        return Vec::new();
    };
    let Some(layers) = Table::open_free(top.faults(), node, "[layer]") else { return Vec::new() };
    if layers.members().is_empty() {
        layers.bad(&node.range, why);
    }
    let names: Vec<&str> = layers.members().iter().map(|member| member.key.as_str()).collect();
    layers.members().iter().filter_map(|member| one(&layers, member, &names)).collect()
}

fn one(layers: &Table<'_>, member: &Member, names: &[&str]) -> Option<LayerSpec> {
    let name = &member.key;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let named = name.chars().all(allowed) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !named {
        let message = format!("{} cannot be the name of a layer: it takes a-z, 0-9, `_`, `-`", shown(name));
        layers.bad(&member.key_range, message);
    } else if name == Owner::Base.name() {
        layers.bad(&member.key_range, "`base` cannot be the name of a layer: it is what findings call the base image");
    }
    let table = Table::open(layers.faults(), &member.node, &format!("[layer.{}]", shown(name)), &keys::LAYER)?;
    let version = table.string("version").map(|written| written.text);
    let mut words = Placeholders { layer: name, version: version.as_deref(), prefix: None };
    let prefix = prefix(&table, &words);
    let shown_prefix = prefix.as_ref().map(ToString::to_string);
    words.prefix = Some(shown_prefix.as_deref().unwrap_or_default());

    let path = table.strings("path").unwrap_or_default();
    let path = path.iter().filter_map(|w| directory(&table, &prefix, w, words.fill(&table, w, Arch::Never))).collect();
    let env = variables_written(&table, "PATH cannot be set; `path` lists what goes in front of it");
    let env = env.into_iter().map(|(name, value)| (name, words.fill(&table, &value, Arch::Never))).collect();
    let from = from::read(&table, &words);
    let sources = if table.has("from") { Vec::new() } else { source::read(&table, &words) };
    let needs = table.strings("needs").unwrap_or_default();
    needs.iter().for_each(|needed| table.known_layer(needed, names));
    let needs = needs.into_iter().map(|w| Needed { span: table.faults().span(&w.range), layer: w.text }).collect();
    let owns = globs(&table, "owns", Rooted::Always);
    let overrides = globs(&table, "overrides", Rooted::Always);
    let exclude = globs(&table, "exclude", Rooted::Maybe);
    let ancestors = table.word("ancestors", &ANCESTORS).unwrap_or_default();
    let (description, platforms) = (table.string("description").map(|w| w.text), platforms(&table));
    let (span, prefix) = (table.faults().span(&table.range), prefix?);
    named.then(|| LayerSpec {
        name: name.clone(),
        description,
        prefix,
        needs,
        owns,
        overrides,
        exclude,
        path,
        env,
        platforms,
        sources,
        from,
        ancestors,
        span,
        version: version.clone(),
    })
}

pub(super) const ANCESTORS: [(&str, Ancestors); 3] =
    [("emit", Ancestors::Emit), ("base", Ancestors::Base), ("omit", Ancestors::Omit)];

fn prefix(table: &Table<'_>, words: &Placeholders<'_>) -> Option<Prefix> {
    if !table.has("prefix") {
        table.missing("prefix", "the directory that the layer owns, such as /opt/python");
    }
    let written = table.string("prefix")?;
    let text = words.fill(table, &written, Arch::Never);
    if text.contains(char::is_whitespace) {
        table.bad(&written.range, "a prefix has no blanks");
        return None;
    }
    if !text.is_empty() && !text.starts_with('/') {
        let label = format!("did you mean `/{}`?", shown(&text));
        table.bad_with(BAD_VALUE, &written.range, "a prefix begins with `/`", label);
        return None;
    }
    table.parse(&Written { text, ..written }, BAD_VALUE)
}

/// An entry of `path` as a directory of the image.
fn directory(table: &Table<'_>, prefix: &Option<Prefix>, written: &Written, text: String) -> Option<String> {
    let below = match (prefix, text.starts_with('/')) {
        (Some(prefix), false) => format!("{prefix}/{text}"),
        _ => text,
    };
    match LayerPath::parse(below.as_bytes()) {
        Ok(path) if !below.contains(':') => Some(path.to_string()),
        Ok(_) => {
            table.bad(&written.range, "a directory with `:` in it cannot be part of PATH");
            None
        }
        Err(why) => {
            table.bad(&written.range, format!("{} {why}", shown(&below)));
            None
        }
    }
}

/// Whether a glob has to begin at the root of the image.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rooted {
    Always,
    Maybe,
}

/// Reads an array of globs, and compiles each once to see that it is one and that something could match it.
pub(super) fn globs(table: &Table<'_>, key: &str, rooted: Rooted) -> Vec<String> {
    let fine = |written: &Written| match Pattern::parse(&written.text) {
        Err(why) => {
            table.bad(&written.range, why.to_string());
            false
        }
        Ok(pattern) if rooted == Rooted::Always && !pattern.is_rooted() => {
            let label = format!("did you mean `/{}`?", shown(pattern.relative()));
            let message = format!("`{key}` in {} lists paths of the image, which begin with `/`", table.name);
            table.bad_with(BAD_VALUE, &written.range, message, label);
            false
        }
        Ok(_) => true,
    };
    table.strings(key).unwrap_or_default().into_iter().filter(fine).map(|written| written.text).collect()
}
