//! Stacks tool layers on a base and pushes the image: the library in a handful of lines.
//!
//! `cargo run --example assemble -- BASE TARGET NAME=ARCHIVE-OR-DIRECTORY…`

use oci_merge::{Image, Layer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: assemble BASE TARGET NAME=ARCHIVE-OR-DIRECTORY...";
    let (base, target) = args.next().zip(args.next()).ok_or(usage)?;
    let mut image = Image::on(base);
    for layer in args {
        let (name, file) = layer.split_once('=').ok_or(usage)?;
        image = image.layer(Layer::archive(name, file).prefix(format!("/opt/{name}")).path("bin"));
    }
    let image = image.assemble()?; // an error with all findings if two of them clash
    #[allow(clippy::print_stdout)]
    {
        println!("{}", image.push(&target)?); // 127.0.0.1:5000/x:1@sha256:…
    }
    Ok(())
}
