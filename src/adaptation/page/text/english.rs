//! The words of block pages in English.

use super::{Labels, Language, MessageText, PolicyWhyText, WhyText};

pub(super) static WORDS: Language = Language {
    tag: "en",
    name: "English",
    labels: Labels {
        address: "Address",
        user: "User",
        threat: "Threat",
        category: "Category",
        place: "Found in",
        detail: "Reason",
        time: "Time",
        request: "Request",
        contact: "Contact",
    },
    threat: MessageText {
        title: "A threat was blocked",
        lead: "The content you asked for, or sent, contains a threat. It was stopped before it could do harm.",
        advice: "You need not do anything. Do not try to get it another way; if you believe this is a mistake, tell your administrator.",
    },
    black_list: MessageText {
        title: "This address is blocked",
        lead: "The address is on the list of addresses that may not be visited from this network.",
        advice: "If you need it for your work, ask your administrator.",
    },
    type_rule: MessageText {
        title: "This kind of file is blocked",
        lead: "Files of this kind, or of this size, may not be transferred through this network.",
        advice: "If you need it for your work, ask your administrator.",
    },
    unchecked: MessageText {
        title: "The content could not be checked",
        lead: "The content could not be checked for threats to the end, so it was not let through.",
        advice: "You can try again later. If it happens again, tell your administrator.",
    },
    category: MessageText {
        title: "This site is blocked",
        lead: "The site belongs to a category that may not be visited from this network.",
        advice: "If you need it for your work, or if you think the site is in the wrong category, ask your administrator.",
    },
    advertisement: MessageText {
        title: "An advertisement was blocked",
        lead: "The address belongs to an advertisement, and advertisements are not loaded in this network.",
        advice: "The rest of the page is not affected. If something you need is missing, ask your administrator.",
    },
    rule: MessageText {
        title: "This address is blocked",
        lead: "A rule of this network does not allow this address, for you or at this time.",
        advice: "If you need it for your work, ask your administrator.",
    },
    policy_unchecked: MessageText {
        title: "The address could not be checked",
        lead: "It could not be found out whether this address may be visited, so it was not opened.",
        advice: "You can try again in a few minutes. If it happens again, tell your administrator.",
    },
    why: WhyText {
        encrypted: "It is encrypted or protected by a password.",
        broken: "It is damaged.",
        limit: "It is too large, or packed too deeply.",
        fragment: "It is only a part of a file: download the file from its beginning.",
        unsupported: "It is in a format that cannot be read.",
        time: "Checking it took too long.",
        engine: "The scanner is not ready.",
    },
    policy_why: PolicyWhyText {
        script: "The check that your administrator set up did not come to an end.",
        reputation: "The services that know about addresses did not answer.",
        groups: "It is not known which groups you belong to.",
    },
    categories: [
        "Sites that spread malware",
        "Sites that are not recommended",
        "Adult content",
        "Violence",
        "Weapons",
        "Gambling",
        "Drugs",
        "Obscene language",
        "Chats",
        "Terrorism",
        "Free e-mail",
        "Social networks",
        "Sites named in copyright notices",
        "Online games",
        "Anonymizers",
        "Cryptocurrency mining",
        "Job offers",
    ],
};
