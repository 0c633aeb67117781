//! How fast rows are read and how much memory that takes: `cargo nextest run --release -p rrm --run-ignored only dataset::speed --no-capture`.

use std::{
    fs::File,
    io::{BufWriter, Write},
    time::Instant,
};

use rrm::dataset::{ReadOptions, check, read};

/// The largest resident set of this process so far, in MiB; Linux only.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
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
    let start = Instant::now();
    let rows = read(&path, &ReadOptions::default()).unwrap().filter(Result::is_ok).count();
    let rate = rows as f64 / start.elapsed().as_secs_f64();
    let reading = peak();
    eprintln!("read: {rate:.0} rows/s; peak {reading} MiB");
    assert_eq!(rows, 1_000_000);
    assert!(reading < 64, "reading keeps rows: {reading} MiB");
    let start = Instant::now();
    let total = check(&path, &ReadOptions::default()).unwrap().total();
    eprintln!("check: {:.0} rows/s; peak {} MiB", total.rows as f64 / start.elapsed().as_secs_f64(), peak());
    assert!(peak() < reading + 96, "checking takes more than the ids: {} MiB", peak());
}
