//! The words of block pages in German.

use super::{Labels, Language, MessageText, PolicyWhyText, WhyText};

pub(super) static WORDS: Language = Language {
    tag: "de",
    name: "Deutsch",
    labels: Labels {
        address: "Adresse",
        user: "Benutzer",
        threat: "Bedrohung",
        category: "Kategorie",
        place: "Gefunden in",
        detail: "Grund",
        time: "Zeit",
        request: "Anfrage",
        contact: "Ansprechpartner",
    },
    threat: MessageText {
        title: "Eine Bedrohung wurde blockiert",
        lead: "Der Inhalt, den Sie abrufen oder senden wollten, enthält eine Bedrohung. Er wurde aufgehalten, bevor er Schaden anrichten konnte.",
        advice: "Sie müssen nichts weiter tun. Versuchen Sie nicht, den Inhalt auf anderem Weg zu bekommen; wenn Sie an einen Irrtum glauben, wenden Sie sich an Ihren Administrator.",
    },
    black_list: MessageText {
        title: "Diese Adresse ist gesperrt",
        lead: "Die Adresse steht auf der Liste der Adressen, die aus diesem Netz nicht besucht werden dürfen.",
        advice: "Wenn Sie sie für Ihre Arbeit brauchen, wenden Sie sich an Ihren Administrator.",
    },
    type_rule: MessageText {
        title: "Diese Art von Datei ist gesperrt",
        lead: "Dateien dieser Art oder dieser Größe dürfen in diesem Netz nicht übertragen werden.",
        advice: "Wenn Sie die Datei für Ihre Arbeit brauchen, wenden Sie sich an Ihren Administrator.",
    },
    unchecked: MessageText {
        title: "Der Inhalt konnte nicht geprüft werden",
        lead: "Der Inhalt konnte nicht vollständig auf Bedrohungen geprüft werden und wurde deshalb nicht durchgelassen.",
        advice: "Versuchen Sie es später noch einmal. Wenn es wieder geschieht, wenden Sie sich an Ihren Administrator.",
    },
    category: MessageText {
        title: "Diese Seite ist gesperrt",
        lead: "Die Seite gehört zu einer Kategorie, die aus diesem Netz nicht besucht werden darf.",
        advice: "Wenn Sie sie für Ihre Arbeit brauchen oder wenn sie falsch eingeordnet ist, wenden Sie sich an Ihren Administrator.",
    },
    advertisement: MessageText {
        title: "Eine Werbung wurde blockiert",
        lead: "Die Adresse gehört zu einer Werbung, und Werbung wird in diesem Netz nicht geladen.",
        advice: "Der Rest der Seite ist nicht betroffen. Wenn etwas fehlt, das Sie brauchen, wenden Sie sich an Ihren Administrator.",
    },
    rule: MessageText {
        title: "Diese Adresse ist gesperrt",
        lead: "Eine Regel dieses Netzes lässt diese Adresse für Sie oder zu dieser Zeit nicht zu.",
        advice: "Wenn Sie sie für Ihre Arbeit brauchen, wenden Sie sich an Ihren Administrator.",
    },
    policy_unchecked: MessageText {
        title: "Die Adresse konnte nicht geprüft werden",
        lead: "Es ließ sich nicht feststellen, ob diese Adresse besucht werden darf. Sie wurde deshalb nicht geöffnet.",
        advice: "Versuchen Sie es in einigen Minuten noch einmal. Wenn es wieder geschieht, wenden Sie sich an Ihren Administrator.",
    },
    why: WhyText {
        encrypted: "Er ist verschlüsselt oder durch ein Passwort geschützt.",
        broken: "Er ist beschädigt.",
        limit: "Er ist zu groß oder zu tief verpackt.",
        fragment: "Er ist nur ein Teil einer Datei: Laden Sie die Datei von Anfang an herunter.",
        unsupported: "Er hat ein Format, das nicht gelesen werden kann.",
        time: "Die Prüfung hat zu lange gedauert.",
        engine: "Das Prüfprogramm ist nicht bereit.",
    },
    policy_why: PolicyWhyText {
        script: "Die Prüfung, die Ihr Administrator eingerichtet hat, wurde nicht fertig.",
        reputation: "Die Dienste, die Adressen kennen, haben nicht geantwortet.",
        groups: "Es ist nicht bekannt, zu welchen Gruppen Sie gehören.",
    },
    categories: [
        "Verbreitung von Schadsoftware",
        "Nicht empfohlene Seiten",
        "Inhalte für Erwachsene",
        "Gewalt",
        "Waffen",
        "Glücksspiel",
        "Drogen",
        "Obszöne Sprache",
        "Chats",
        "Terrorismus",
        "Kostenlose E-Mail-Dienste",
        "Soziale Netzwerke",
        "In Urheberrechtshinweisen genannte Seiten",
        "Online-Spiele",
        "Anonymisierungsdienste",
        "Schürfen von Kryptowährungen",
        "Stellenangebote",
    ],
};
