//! How fast rows are read and how much memory that takes: `cargo nextest run --release -p rrm-judge --run-ignored only dataset::speed --no-capture`.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use rrm::dataset::{ReadOptions, check, read};

/// The largest resident set of this process so far, in MiB; Linux only.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

/// Seconds of processor time that this process has taken; Linux only.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    // User and system time are fields 14 and 15 of proc(5), in hundredths; the two before the bracket are cut off.
    fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

#[test]
#[ignore = "a measurement: a million rows"]
fn a_million_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let mut writer = BufWriter::new(File::create(&path).unwrap());
    for i in 0..1_000_000 {
        let text = format!("response {i} ").repeat(20);
        writeln!(
            writer,
            r#"{{"id":"item-{i}","prompt":[{{"role":"user","content":"question {i}"}}],"chosen":"{text}","rejected":"{text}?","source":"made"}}"#
        )
        .unwrap();
    }
    writer.into_inner().unwrap();
    let size = path.metadata().unwrap().len();
    eprintln!("file: {} MB; peak before: {} MiB", size / 1_000_000, peak());
    let start = cpu();
    let rows = read(&path, &ReadOptions::default()).unwrap().filter(Result::is_ok).count();
    let rate = rows as f64 / (cpu() - start);
    let reading = peak();
    eprintln!("read: {rate:.0} rows a CPU second; peak {reading} MiB");
    assert_eq!(rows, 1_000_000);
    assert!(reading < 64, "reading keeps rows: {reading} MiB");
    let start = cpu();
    let total = check(&path, &ReadOptions::default()).unwrap().total();
    eprintln!("check: {:.0} rows a CPU second; peak {} MiB", total.rows as f64 / (cpu() - start), peak());
    assert!(peak() < reading + 96, "checking takes more than the ids: {} MiB", peak());
}
