//! Times of the week: `Mon-Fri 08:00-17:00`, `Sat`, `22:00-06:00`.
//!
//! Days without times are whole days, times without days are of every day. The end is the first minute that
//! is not meant. A time that ends before it begins goes on into the next day, a range of days that does
//! so over the end of the week. A set is a bit for each minute of the week: 1.3 KiB, one lookup.

use crate::policy::facts::{MINUTES_OF_DAY, MINUTES_OF_WEEK, Moment};

/// Minutes of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Week(Box<[u64]>);

impl Week {
    pub(super) fn new() -> Self {
        let words = usize::from(MINUTES_OF_WEEK).div_ceil(64);
        Self(vec![0; words].into())
    }

    pub(in crate::policy) fn has(&self, moment: Moment) -> bool {
        let minute = usize::from(moment.of_week());
        self.0.get(minute / 64).is_some_and(|word| word & (1 << (minute % 64)) != 0)
    }

    fn set(&mut self, minute: u16) {
        let minute = usize::from(minute % MINUTES_OF_WEEK);
        if let Some(word) = self.0.get_mut(minute / 64) {
            *word |= 1 << (minute % 64);
        }
    }

    /// Adds the minutes that one item of a set means.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let is_time = first.starts_with(|letter: char| letter.is_ascii_digit());
        let days = if is_time { 0x7f } else { days(first)? };
        let times = if is_time { Some(first) } else { words.next() };
        let (start, end) = times.map_or(Ok((0, MINUTES_OF_DAY)), times_of)?;
        if let Some(more) = words.next() {
            return Err(format!("\"{more}\" is too much: a time is Mon-Fri 08:00-17:00"));
        }
        let length = if end > start {
            end.saturating_sub(start)
        } else {
            MINUTES_OF_DAY.saturating_sub(start).saturating_add(end)
        };
        for day in (0..7_u16).filter(|day| days & (1 << day) != 0) {
            let begin = day.saturating_mul(MINUTES_OF_DAY).saturating_add(start);
            for minute in begin..begin.saturating_add(length) {
                self.set(minute);
            }
        }
        Ok(())
    }
}

/// `Mon`, `Mon-Fri`: a bit for each day, Monday lowest.
pub(in crate::policy) fn days(text: &str) -> Result<u8, String> {
    let day = |name: &str| {
        let found = DAYS.iter().position(|day| {
            name.len() >= 3
                && day.get(..name.len()).is_some_and(|front| front.eq_ignore_ascii_case(name))
        });
        found.ok_or_else(|| {
            format!("\"{name}\" is no weekday: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
        })
    };
    let (first, last) = text.split_once('-').map_or((text, text), |days| days);
    let (first, last) = (day(first)?, day(last)?);
    let mut days = 0_u8;
    let mut at = first;
    loop {
        days |= 1 << at;
        if at == last {
            return Ok(days);
        }
        at = at.saturating_add(1) % 7;
    }
}

fn times_of(text: &str) -> Result<(u16, u16), String> {
    let (start, end) = text
        .split_once('-')
        .ok_or_else(|| format!("\"{text}\": a time has a start and an end, as in 08:00-17:00"))?;
    let (start, end) = (minute(start)?, minute(end)?);
    if start >= MINUTES_OF_DAY {
        return Err("a time begins at 23:59 at the latest".to_owned());
    }
    Ok((start, end))
}

/// `08:30` in minutes; 24:00 is the end of the day.
pub(in crate::policy) fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("\"{text}\" is no time of day: write it as 08:30, from 00:00 to 24:00");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let good =
            matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = number(hours).zip(number(minutes)).ok_or_else(wrong)?;
    let all = hours.saturating_mul(60).saturating_add(minutes);
    if minutes < 60 && all <= MINUTES_OF_DAY { Ok(all) } else { Err(wrong()) }
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
