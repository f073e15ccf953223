//! What a run found out: a table for people, JSON for programs.
//!
//! The JSON's names carry their units and are stable; `perf/compare` reads them.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::clock::seconds;
use crate::message::Method;
use crate::plan::Plan;
use crate::run::Outcome;
use crate::size::show_bytes;

/// Whether every answer was right, and there was one.
pub(crate) fn is_right(outcome: &Outcome) -> bool {
    outcome.stats.wrong_total() == 0
        && outcome.stats.unanswered == 0
        && outcome.slow.wrong == 0
        && outcome.stats.right() > 0
}

/// The table.
pub(crate) fn table(plan: &Plan, outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _: std::fmt::Result = write_table(&mut text, plan, outcome);
    text
}

fn write_table(text: &mut String, plan: &Plan, outcome: &Outcome) -> std::fmt::Result {
    let stats = &outcome.stats;
    let window_s = seconds(outcome.window_ns);
    let right = stats.right();
    writeln!(text, "{} {}", method(plan), plan.shape.uri)?;
    let looped = match plan.rate {
        Some(rate) => format!("open loop at {rate} requests/s"),
        None => "closed loop".to_owned(),
    };
    writeln!(
        text,
        "{} connections, {} threads, {looped}, measured {window_s:.2} s",
        plan.connections, plan.threads
    )?;
    writeln!(text)?;
    writeln!(text, "requests     {:>12.0} /s   {right} right", rate(right, window_s))?;
    writeln!(
        text,
        "body bytes   {:>12.1} MiB/s sent, {:.1} MiB/s returned",
        mebibytes(stats.sent_bytes) / window_s,
        mebibytes(stats.returned_bytes) / window_s
    )?;
    writeln!(
        text,
        "answers      {:>12} x 204, {} echoed, {} blocked; {} after 100 Continue, {} early",
        stats.no_content, stats.echo, stats.blocked, stats.continued, stats.early
    )?;
    if stats.reconnects > 0 {
        writeln!(text, "reconnected  {:>12} times: the server closed", stats.reconnects)?;
    }
    write_latency(text, "whole", &stats.whole)?;
    write_latency(text, "verdict", &stats.verdict)?;
    write_processes(text, outcome)?;
    write_crowd(text, outcome)?;
    if stats.unanswered > 0 {
        writeln!(text, "UNANSWERED   {:>12} were due and got no answer", stats.unanswered)?;
    }
    for (wrong, count) in &stats.wrong {
        writeln!(text, "WRONG        {count:>12} x {}", wrong.describe())?;
    }
    if right == 0 {
        writeln!(text, "WRONG        no right answer in the measured time")?;
    }
    Ok(())
}

fn write_latency(text: &mut String, name: &str, latency: &Histogram<u64>) -> std::fmt::Result {
    write!(text, "{name:<8} ms  ")?;
    for (label, value) in percentiles(latency) {
        write!(text, " {label} {:.3}", value as f64 / 1e6)?;
    }
    writeln!(text)
}

fn write_processes(text: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let right = outcome.stats.right() as f64;
    let gib = mebibytes(outcome.stats.sent_bytes) / 1_024.0;
    let used = outcome.server.map(|server| ("server CPU", server.cpu));
    for (name, cpu) in used.into_iter().chain([("own CPU", outcome.own_cpu)]) {
        let total_s = seconds(cpu.total_ns());
        let share = total_s * 100.0 / seconds(outcome.window_ns);
        write!(text, "{name:<12} {share:>12.0} % of a core")?;
        if right > 0.0 {
            let user_us = seconds(cpu.user_ns) * 1e6 / right;
            write!(text, ", {:.2} us a request ({user_us:.2} user)", total_s * 1e6 / right)?;
        }
        if gib > 0.0 {
            write!(text, ", {:.3} s a GiB", total_s / gib)?;
        }
        writeln!(text)?;
    }
    if let Some(server) = outcome.server {
        let peak = mebibytes(server.resident_peak_bytes);
        writeln!(text, "server memory {peak:>11.1} MiB resident at most")?;
    }
    Ok(())
}

fn write_crowd(text: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let (idle, slow) = (outcome.idle, outcome.slow);
    if idle.wanted > 0 {
        write!(
            text,
            "idle         {:>12} connections, {} served once, {} open at the end",
            idle.wanted, idle.served, idle.open
        )?;
        if let Some(server) = outcome.server {
            let (before, after) = server.resident_idle_bytes;
            let each = after.saturating_sub(before) / u64::from(idle.served.max(1));
            let each = usize::try_from(each).unwrap_or(usize::MAX);
            write!(text, ", {} resident each", show_bytes(each))?;
        }
        writeln!(text)?;
    }
    if slow.wanted > 0 {
        writeln!(
            text,
            "slow         {:>12} clients, {} right, {} cut off, {} wrong, {} open at the end",
            slow.wanted, slow.right, slow.cut, slow.wrong, slow.open
        )?;
    }
    Ok(())
}

/// One JSON object.
pub(crate) fn json(plan: &Plan, outcome: &Outcome) -> Value {
    let stats = &outcome.stats;
    let window_s = seconds(outcome.window_ns);
    let wrong: serde_json::Map<_, _> =
        stats.wrong.iter().map(|(wrong, count)| (wrong.describe(), json!(count))).collect();
    json!({
        "method": method(plan),
        "uri": plan.shape.uri,
        "connections": plan.connections,
        "threads": plan.threads,
        "rate_per_s": plan.rate,
        "window_s": window_s,
        "is_right": is_right(outcome),
        "requests": stats.right(),
        "requests_per_s": rate(stats.right(), window_s),
        "sent_bytes": stats.sent_bytes,
        "returned_bytes": stats.returned_bytes,
        "sent_mib_per_s": mebibytes(stats.sent_bytes) / window_s,
        "no_content": stats.no_content,
        "echo": stats.echo,
        "blocked": stats.blocked,
        "continued": stats.continued,
        "early": stats.early,
        "reconnects": stats.reconnects,
        "unanswered": stats.unanswered,
        "wrong": wrong,
        "whole_us": latency_json(&stats.whole),
        "verdict_us": latency_json(&stats.verdict),
        "own_cpu": cpu_json(outcome.own_cpu, outcome),
        "server_cpu": outcome.server.map(|server| cpu_json(server.cpu, outcome)),
        "server_resident_peak_bytes": outcome.server.map(|server| server.resident_peak_bytes),
        "server_resident_idle_bytes": outcome.server.map(|server| server.resident_idle_bytes),
        "idle": {
            "wanted": outcome.idle.wanted,
            "served": outcome.idle.served,
            "open": outcome.idle.open,
        },
        "slow": {
            "wanted": outcome.slow.wanted,
            "right": outcome.slow.right,
            "cut": outcome.slow.cut,
            "wrong": outcome.slow.wrong,
            "open": outcome.slow.open,
        },
    })
}

fn latency_json(latency: &Histogram<u64>) -> Value {
    let values =
        percentiles(latency).map(|(label, value)| (label.to_owned(), json!(value as f64 / 1e3)));
    let mut object: serde_json::Map<_, _> = values.into_iter().collect();
    object.insert("mean".to_owned(), json!(latency.mean() / 1e3));
    Value::Object(object)
}

fn cpu_json(cpu: crate::process::CpuTime, outcome: &Outcome) -> Value {
    let right = outcome.stats.right();
    let each = |ns| (right > 0).then(|| seconds(ns) * 1e6 / right as f64);
    let gib = mebibytes(outcome.stats.sent_bytes) / 1_024.0;
    json!({
        "user_s": seconds(cpu.user_ns),
        "system_s": seconds(cpu.system_ns),
        "us_per_request": each(cpu.total_ns()),
        "user_us_per_request": each(cpu.user_ns),
        "s_per_gib": (gib > 0.0).then(|| seconds(cpu.total_ns()) / gib),
    })
}

/// The percentiles that are told, in nanoseconds.
fn percentiles(latency: &Histogram<u64>) -> [(&'static str, u64); 5] {
    let at = |quantile| latency.value_at_quantile(quantile);
    [
        ("p50", at(0.5)),
        ("p90", at(0.9)),
        ("p99", at(0.99)),
        ("p99.9", at(0.999)),
        ("max", latency.max()),
    ]
}

const fn method(plan: &Plan) -> &'static str {
    match plan.shape.method {
        Method::Reqmod => "REQMOD",
        Method::Respmod => "RESPMOD",
    }
}

fn rate(count: u64, window_s: f64) -> f64 {
    count as f64 / window_s
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
