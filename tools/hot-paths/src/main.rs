//! The hot paths, each once and on one thread: for `tools/instructions`, which counts what the processor does.
//!
//! `hot-paths` lists the cases, `hot-paths CASE TIMES` prepares one and runs it so often. What preparing it takes
//! is what `TIMES` 0 takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "the list is the answer")]

use hot_paths::image::image;
use hot_paths::layers::tool;
use hot_paths::stack::Stack;
use hot_paths::tree::{layer, tree};
use oci_merge_layer::compressor::{Compressor, Level, Pool};
use oci_merge_layer::make::Blob;
use oci_merge_layer::{LayerIndex, Limits, Rules, survey};
use oci_merge_store::copy::{CopyOptions, copy};
use oci_merge_store::{Layout, Memory};
use std::hint::black_box;
use std::io;
use std::num::NonZero;

type Run = Box<dyn Fn()>;

/// Prepared, and ready to run.
const CASES: [(&str, fn() -> Run); 7] = [
    ("pack", || pack(Level::DEFAULT)),
    ("pack-fast", || pack(Level::FAST)),
    ("read-gzip", read),
    ("check", check),
    ("index-write", write_index),
    ("index-read", read_index),
    ("copy", copy_layout),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [name, times] => {
            let (_, prepare) = CASES.iter().find(|(case, _)| case == name).unwrap_or_else(|| panic!("no case {name}"));
            let run = prepare();
            (0..times.parse::<u32>().unwrap()).for_each(|_| run());
        }
        _ => panic!("hot-paths [CASE TIMES]"),
    }
}

fn pool() -> Pool {
    Pool::new(NonZero::<usize>::MIN).unwrap()
}

/// A directory of 66 files, 4 MiB, becomes a layer.
fn pack(level: Level) -> Run {
    let directory = tempfile::tempdir().unwrap();
    tree(directory.path(), 66);
    Box::new(move || drop(black_box(layer(directory.path(), &pool(), Compressor::Gzip(level), io::sink()))))
}

/// The same layer is read: inflated, digested twice, each file digested.
fn read() -> Run {
    let directory = tempfile::tempdir().unwrap();
    tree(directory.path(), 66);
    let Blob::Packed(blob) = layer(directory.path(), &pool(), Compressor::Gzip(Level::FAST), Vec::new()).blob else {
        panic!("not packed")
    };
    Box::new(move || drop(black_box(survey(&blob[..], &Rules::kept(Limits::default())).unwrap())))
}

/// 100 layers of 1,000 entries on a base of 100,000.
fn check() -> Run {
    let stack = Stack::of_tools(10);
    Box::new(move || assert!(black_box(stack.check()).is_ok()))
}

/// An index of 10,000 entries becomes bytes.
fn write_index() -> Run {
    let index = tool(0, 100);
    Box::new(move || drop(black_box(index.to_bytes())))
}

/// And is read again.
fn read_index() -> Run {
    let bytes = tool(0, 100).to_bytes();
    Box::new(move || drop(black_box(LayerIndex::from_bytes(&bytes).unwrap())))
}

/// An image of four layers of 1 MiB goes from a layout into memory.
fn copy_layout() -> Run {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::open_or_create(directory.path()).unwrap();
    let (memory, root) = image(&(1..=4_u8).map(|n| vec![n; 1 << 20]).collect::<Vec<_>>());
    // One thread: what several do at once is not the same each time.
    let options = CopyOptions { tags: vec!["1".to_owned()], threads: 1, ..CopyOptions::default() };
    copy(&memory, &layout, &root, &options, &|_| {}).unwrap();
    Box::new(move || {
        let _ = &directory;
        copy(&layout, &Memory::new(), &root, &options, &|_| {}).unwrap();
    })
}
