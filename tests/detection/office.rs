//! Office documents of before 2007, made by the real tool: every stream is a layer.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, gzip, noise,
};

#[test]
fn streams_large_and_small_are_opened() {
    let quiet = noise(300_000, 11);
    for eicar_first in [false, true] {
        let small = gzip(&eicar());
        let members: [(&str, &[u8]); 2] = [("d/a", &small), ("d/b", &quiet)];
        let order = if eicar_first { "d/a d/b" } else { "d/b d/a" };
        let bytes = made(&members, &format!("gsf createole out.ole {order}"), "out.ole");
        let engine = eicar_engine(Limits::default());
        check_infected(&engine, &Object::default(), &bytes, EICAR, "ole2:a>gzip");
        check_infected(&engine, &Object::default(), &gzip(&bytes), EICAR, "gzip>ole2:a>gzip");
        let clean = made(&members[1..], "gsf createole out.ole d", "out.ole");
        check_clean(&engine, &Object::default(), &clean);
        let limits = Limits { whole_bytes_max: 200_000, ..Limits::default() };
        let reason = Why::Limit(Limit::MaxWholeSize);
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, reason);
        let limits = Limits { deferred_memory_max: 200_000, ..Limits::default() };
        let reason = Why::Limit(Limit::DeferredMemory);
        check_unscanned(&eicar_engine(limits), &Object::default(), &clean, reason);
    }
}

#[test]
fn signatures_for_documents_see_their_streams() {
    let bytes = made(&[("d/a", b"some words of a stream")], "gsf createole out.ole d", "out.ole");
    let line = "Words:2:0:736f6d6520776f726473\n";
    let engine = engine(&[("a.ndb", line)], Limits::default());
    check_infected(&engine, &Object::default(), &bytes, "Words.UNOFFICIAL", "ole2:a");
}
