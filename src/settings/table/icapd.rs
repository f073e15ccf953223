//! `[ICAPD]`: the ICAP service, what it blocks and what it holds.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, HOUR, LOG, LOG_LEVEL, LOG_LEVELS, MINUTE, RUN_AS_USER, SECOND, START,
};
use crate::adaptation::page::LANGUAGE_TAGS;
use crate::policy::{self, MimeRule, Networks, Pattern};
use crate::settings::row::{
    Never, addresses, choice, expressions, field, field_name, integer, interval, listeners,
    log_target, mime_rules, names, networks, path, rules, section, sites, size, size_or_none,
    switch, text, types, user, words,
};
use crate::settings::value::{Ads, RuleText, Sites};

/// As in the room that they come from; a test compares them.
const PROFILES: &[&str] =
    &["strict", "squid", "nextcloud", "owncloud", "rspamd", "c-icap-client", "fortinet", "legacy"];

section! {
    "ICAPD", "The ICAP service for proxies.";

    LISTEN_ADDRESS: Vec<SocketAddr> = addresses("ListenAddress", "127.0.0.1:1344"), Restart,
        "Where proxies connect, as IP:port; several by commas or lines.";
    LISTEN_AS: Vec<(SocketAddr, &'static str)> = listeners("ListenAs", ""), Restart,
        "More addresses, each with the profile of the clients that connect there, as in 127.0.0.1:1345 \
         nextcloud. Profile says what they are; it is for the addresses of ListenAddress.";
    LISTEN_SOCKET: Option<PathBuf> = path("ListenSocket", ""), Restart,
        "A unix socket where proxies of this machine connect, too; empty: none. A socket that a dead process \
         left behind is replaced; one on which somebody answers is not.";
    LISTEN_SOCKET_MODE: &'static str = choice("ListenSocketMode", "660", &["600", "660", "666"]), Restart,
        "Who may connect to ListenSocket: its mode.";
    LISTEN_SOCKET_GROUP: String = text("ListenSocketGroup", ""), Restart,
        "The group of ListenSocket, by name or number; empty: the group of this service.";
    TLS_LISTEN_ADDRESS: Vec<SocketAddr> = addresses("TLSListenAddress", ""), Restart,
        "Where proxies connect with TLS (icaps://), as IP:port, 11344 by custom; several by commas or lines; \
         empty: nowhere. Needs TLSCertificate and TLSKey.";
    TLS_CERTIFICATE: Option<PathBuf> = path("TLSCertificate", ""), Reload,
        "The certificate for TLSListenAddress with those that signed it, in PEM form. After a renewal a \
         reload puts it in force; connections stay open.";
    TLS_KEY: Option<PathBuf> = path("TLSKey", ""), Reload,
        "The private key of TLSCertificate, in PEM form.";
    TLS_CLIENT_CERTIFICATES: &'static str =
        choice("TLSClientCertificates", "Off", &["Off", "Optional", "Required"]), Reload,
        "Whether a proxy has to show a certificate signed by one of TLSClientCA. Optional: one that is shown \
         has to be good.";
    TLS_CLIENT_CA: Option<PathBuf> = path("TLSClientCA", ""), Reload,
        "The certificates of those who sign for proxies, in PEM form.";
    ALLOWED_CLIENTS: Networks = networks("AllowedClients", ""), Reload,
        "Who may connect over the network: IP addresses, networks (10.0.0.0/8) and ranges \
         (10.0.0.1-10.0.0.9) of proxies; empty: everybody who can reach the address. Others are cut off \
         before they can ask anything, with a line in the log.";
    PROXY_PROTOCOL_FROM: Networks = networks("ProxyProtocolFrom", ""), Reload,
        "Load balancers, written as in AllowedClients, whose connections begin with a PROXY header of \
         version 2 (HAProxy: send-proxy-v2). AllowedClients and the log then mean the address in it. \
         Connections from these addresses without one are refused, and no other may send one.";
    CLIENT_PASSWORDS: Option<PathBuf> = path("ClientPasswords", ""), Reload,
        "A file with the names and passwords of proxies, one line each, as `baleen keys password NAME` prints them. \
         A request without a right one (Proxy-Authorization: Basic) is answered with 407, OPTIONS too. Squid has \
         no name of its own for this: what it sends is what its users sent to it. Empty: nobody is asked.";
    USE_PREVIEW: bool = switch("UsePreview", "Yes"), Reload,
        "Offer a preview in OPTIONS answers. Off, the proxy sends whole bodies at once: every clean body \
         has to be sent back, and Squid opens a new connection for each.";
    PREVIEW_SIZE: u64 = size("PreviewSize", "60KB", 0, 65_536), Reload,
        "How much of a body the proxy sends before it waits for a decision. A body that ends inside is \
         answered with 204 and never sent back. Squid can hold 64 KiB of a body; 60 KiB catch nearly as \
         many bodies and leave its buffer room to move. 0: decide by heads alone.";
    USE_204: bool = switch("Use204", "Yes"), Reload,
        "Answer 204 (no change) also outside a preview, where the proxy allows it.";
    USE_206: bool = switch("Use206", "Yes"), Reload,
        "Answer 206 when only the head of a message changes, where the proxy and the profile know it: \
         the proxy puts its own copy of the body behind it, and nothing is sent back.";
    USE_TRAILERS: bool = switch("UseTrailers", "Yes"), Reload,
        "Tell the verdict of an answer that had to begin before it in an ICAP trailer, where the \
         proxy and the profile know them.";
    SCANNED_HEADER: String = field("ScannedHeader", ""), Reload,
        "A field, as in \"X-Scanned-By: Baleen\", for each response that was scanned to its end and is clean. \
         One of this name that came with the response is taken away. Empty: responses stay as they are.";
    UNCHECKED_HEADER: String = field("UncheckedHeader", ""), Reload,
        "The same for responses that pass although they could not be checked (BlockUnchecked = No).";
    NEXT_SERVICES: Vec<String> = names("NextServices", ""), Reload,
        "Which services of the proxy, by its names for them, are to see a message next that is in order: \
         X-Next-Services, which Squid follows with routing=on. None: no other service. Empty: as the proxy \
         has it. What is blocked goes to no other service where this or NextServicesUnchecked is set.";
    NEXT_SERVICES_UNCHECKED: Vec<String> = names("NextServicesUnchecked", ""), Reload,
        "The same for a message that passes although it could not be checked, a sandbox for instance.";
    SHARED_HEADER: String = field_name("SharedHeader", ""), Reload,
        "A field, X-Baleen-Context for instance, in answers to requests that go on, which the proxy sends along with \
         the response (Squid: adaptation_masterx_shared_names X-Baleen-Context). Both then have one number in the \
         log, and what rules have SET and ADDed about the request holds for its response. What comes with it is \
         believed, SET scan = No as well, so nobody but proxies may be able to connect: AllowedClients. Empty: off.";
    IGNORE_PASSED_TYPES: bool = switch("IgnorePassedTypes", "No"), Reload,
        "Tell proxies (Transfer-Ignore) not to show responses whose address ends like a file of a type \
         that MimeRules pass at every size, .jpg for image/jpeg. Nobody then looks whether the type is \
         what the name says, so it is off by default; and it is said only while nothing but MimeRules \
         decides about responses.";
    ALLOW_EARLY_RESPONSE: bool = switch("AllowEarlyResponse", "Yes"), Reload,
        "Answer before the whole request has arrived, as soon as the answer is certain.";
    WHITE_LIST: Sites = sites("WhiteList", ""), Reload,
        "Sites that are never blocked by category: domains with everything below them, addresses, \
         domains with a path; @/path/to/file or file(\"path\") for a file with one a line. They are \
         scanned like all others, and BlackList beats this list.";
    BLACK_LIST: Sites = sites("BlackList", ""), Reload,
        "Sites that are always blocked, written as in WhiteList.";
    BLOCK_UNCHECKED: bool = switch("BlockUnchecked", "Yes"), Reload,
        "Block what could not be checked to the end: encrypted, damaged, beyond a limit, out of time. Yes, \
         because data that nobody looked at would otherwise arrive looking like clean data; who prefers \
         availability says No, and sees such messages marked in the log.";
    STRIP_RANGES: bool = switch("StripRanges", "Yes"), Reload,
        "Make a request for a part of an object (Range) one for all of it, so that the whole can be scanned: \
         nobody can judge a file by its middle. A download that is taken up again begins anew, and films \
         start from their beginning; RangeSites names the sites for which that is too much.";
    RANGE_SITES: Sites = sites("RangeSites", ""), Reload,
        "Sites where parts of objects may be asked for, written as in WhiteList. Each part is scanned for \
         what a part can show and passes when nothing is found, with a line in the log.";
    BLOCK_FRAGMENTS: bool = switch("BlockFragments", "Yes"), Reload,
        "Block a part of an object (206, or an upload with Content-Range) in which nothing was found. No, for \
         a proxy that sends no requests here, only responses: it cannot ask for the whole.";
    MIME_RULES: Vec<MimeRule> = mime_rules("MimeRules", ""), Reload,
        "What is scanned, by type: \"<mime> <action>\" or \"<mime> <action> <size> <action>\", where the \
         second action is for larger bodies. Actions: scan, pass, reject. The most specific type wins. \
         A body of unknown size gets the stricter action. Without a rule: scan. A rule that passes a \
         type trusts what the sender says about it.";
    BLOCK_KNOWN_VIRUS: bool = switch("BlockKnownVirus", "Yes"), Reload, "Block known malware.";
    BLOCK_SUSPICIOUS: bool = switch("BlockSuspicious", "Yes"), Reload, "Block what heuristics find suspicious.";
    BLOCK_ADWARE: bool = switch("BlockAdware", "Yes"), Reload, "Block programs that show advertisements.";
    BLOCK_DIALERS: bool = switch("BlockDialers", "Yes"), Reload, "Block programs that dial paid numbers.";
    BLOCK_JOKES: bool = switch("BlockJokes", "Yes"), Reload,
        "Block programs that frighten.";
    BLOCK_RISKWARE: bool = switch("BlockRiskware", "Yes"), Reload,
        "Block programs that are dangerous in wrong hands; potentially unwanted applications \
         (DetectPUA of [ScanEngine]) count as such unless their name says more.";
    BLOCK_HACKTOOLS: bool = switch("BlockHacktools", "Yes"), Reload, "Block tools to break into systems.";
    BLOCK_INFECTION_SOURCE: bool = switch("BlockInfectionSource", "Yes"), Reload, "Block sites known to spread malware.";
    BLOCK_NOT_RECOMMENDED: bool = switch("BlockNotRecommended", "Yes"), Reload, "Block sites that are not recommended.";
    BLOCK_ADULT_CONTENT: bool = switch("BlockAdultContent", "No"), Reload, "Block adult content.";
    BLOCK_VIOLENCE: bool = switch("BlockViolence", "No"), Reload, "Block violence.";
    BLOCK_WEAPONS: bool = switch("BlockWeapons", "No"), Reload, "Block weapons.";
    BLOCK_GAMBLING: bool = switch("BlockGambling", "No"), Reload, "Block gambling.";
    BLOCK_DRUGS: bool = switch("BlockDrugs", "No"), Reload, "Block drugs.";
    BLOCK_OBSCENE_LANGUAGE: bool = switch("BlockObsceneLanguage", "No"), Reload, "Block obscene language.";
    BLOCK_CHATS: bool = switch("BlockChats", "No"), Reload, "Block chats.";
    BLOCK_TERRORISM: bool = switch("BlockTerrorism", "No"), Reload, "Block terrorism.";
    BLOCK_FREE_EMAIL: bool = switch("BlockFreeEmail", "No"), Reload, "Block free mail services.";
    BLOCK_SOCIAL_NETWORKS: bool = switch("BlockSocialNetworks", "No"), Reload, "Block social networks.";
    BLOCK_DUE_TO_COPYRIGHT_NOTICE: bool = switch("BlockDueToCopyrightNotice", "Yes"), Reload,
        "Block sites named in notices of copyright owners.";
    BLOCK_ONLINE_GAMES: bool = switch("BlockOnlineGames", "No"), Reload, "Block online games.";
    BLOCK_ANONYMIZERS: bool = switch("BlockAnonymizers", "No"), Reload, "Block anonymizers.";
    BLOCK_CRYPTOCURRENCY_MINING_POOL: bool = switch("BlockCryptocurrencyMiningPool", "No"), Reload,
        "Block pools that mine cryptocurrencies.";
    BLOCK_JOBS: bool = switch("BlockJobs", "No"), Reload, "Block sites with job offers.";
    RULE_SET: Vec<RuleText> = rules("RuleSet", ""), Reload,
        "Rules: condition, condition : action, action. One on a line; RuleSet may stand on several lines, and \
         with numbers behind the name (RuleSet1, RuleSet20), which give the order. @/path/to/file names a \
         file of rules. Tried from top to bottom, before the rules that the other settings stand for: \
         PASS and BLOCK are final. PASS lets an address pass, its body is scanned all the same; SET scan = \
         No passes it unscanned. A rule with a mistake keeps the whole policy from loading. baleen policy \
         show prints all of them.";
    RULE_SET_DEFAULTS: bool = switch("RuleSetDefaults", "Yes"), Reload,
        "Whether the rules that BlackList, AdList, WhiteList and the switches of categories stand for come \
         behind those of RuleSet. No: only what RuleSet says counts; threats are blocked by their \
         switches even then.";
    BLOCK_UNANSWERED: bool = switch("BlockUnanswered", "No"), Reload,
        "Block an address when its check depends on a question that got no answer in time: to a \
         reputation service, or to a directory about the user's groups. No: the site then has no \
         category, and rules that ask for the groups do not apply.";
    MESSAGE_HOOK: String = text("MessageHook", ""), Reload,
        "A Lua script with a function message_hook(ctx), or the path of its file. Asked after the rules about \
         each message that no rule passed or blocked; it answers \"pass\" or \"block\". Everything else, an \
         error too, leaves the message unchecked: BlockUnchecked decides. It never replaces the scan.";
    MESSAGE_HOOK_TIMEOUT: Option<u64> = interval("MessageHookTimeout", "0.02s", 1, SECOND, Never::Unsaid), Reload,
        "How long the script may work on one message: time of the processor, not of the wall. The shard does nothing \
         else meanwhile. After the third breach the script is switched off until the next reload; 1000 runs in a \
         row without one make up for those before.";
    MESSAGE_HOOK_MEMORY: u64 = size("MessageHookMemory", "16MB", 1 << 20, 1 << 30), Reload,
        "Memory of the script on each shard.";
    SCAN_TIMEOUT: Option<u64> = interval("ScanTimeout", "2m", 100, HOUR, Never::Zero), Reload,
        "How long the engine may work on one object; waiting for its bytes does not count. 0: no limit.";
    MAX_CONNECTIONS: u64 = integer("MaxConnections", "16384", 1, 1_000_000), Restart,
        "Connections accepted at once, as also offered in OPTIONS. Squid divides the offer by its \
         workers, so it is generous; an idle connection costs some KiB. Where the system allows fewer open \
         files, fewer are accepted and offered, and the log says so.";
    OVERLOAD_ANSWER: &'static str = choice("OverloadAnswer", "503", &["503", "Pass"]), Reload,
        "What a message is answered that is not scanned because there is too much to do. 503: the proxy \
         decides, Squid by bypass. Pass: it goes on unchecked, whatever BlockUnchecked says, with a line in the \
         log. OPTIONS is always answered, and so are messages without a body.";
    OVERLOAD_DELAY: Option<u64> = interval("OverloadDelay", "0.1s", 1, MINUTE, Never::None), Reload,
        "How long ready work may wait for its turn. A wait that stays above it, for eight times as long, is \
         overload: then whoever uses more than a fair share is refused, and if nobody does, what has waited \
         five times as long. A short burst refuses nobody. None: no wait refuses anybody.";
    MAX_SCANS: u64 = integer("MaxScans", "0", 0, 1_000_000), Reload,
        "Scans under way at once on each shard; more are refused. 0: as many as MemoryBudget and SpoolLimit \
         have room for.";
    FAIR_SHARE: bool = switch("FairShare", "Yes"), Reload,
        "Tell clients from each other when there is too much to do, by X-Client-IP, otherwise by their \
         address: who uses most is refused first. No: all are alike.";
    OPTIONS_TTL: Option<u64> = interval("OptionsTTL", "10m", MINUTE, DAY, Never::Unsaid), Reload,
        "How long a proxy may use an OPTIONS answer. A changed preview size reaches Squid within it.";
    HEAD_TIMEOUT: Option<u64> = interval("HeadTimeout", "30s", SECOND, HOUR, Never::Unsaid), Restart,
        "How long a request head may take from its first byte to its last.";
    BODY_TIMEOUT: Option<u64> = interval("BodyTimeout", "15m", SECOND, DAY, Never::Unsaid), Restart,
        "How long a body may pause. Squid waits 15 minutes for a slow server, and the body waits with it.";
    IDLE_TIMEOUT: Option<u64> = interval("IdleTimeout", "1h", SECOND, 30 * DAY, Never::None), Restart,
        "How long a connection is kept between requests. Long, because proxies count it as a failure when \
         the server closes first; None: for ever.";
    STALL_TIMEOUT: Option<u64> = interval("StallTimeout", "0.02s", 10, HOUR, Never::None), Reload,
        "When a download that is held back pauses for so long, its head is sent ahead; the body is still \
         held until the verdict, and a detection then ends the transfer broken instead of with a page. \
         Squid up to 6.13 never goes on otherwise when the server is faster than the scan (Squid bug \
         5352): each download of 64 KiB or more waits for this once. None: for proxies that do not stall.";
    RELEASE: &'static str = choice("Release", "Hold", &["Hold", "Tail"]), Reload,
        "What may leave of a download before its verdict, where no rule (SET release), no type and no size says \
         otherwise. Hold: nothing, and what is blocked becomes a block page. Tail: what has been scanned leaves \
         as it comes, all but the last 128 KiB, and what is blocked ends broken: the browser sees a download \
         that failed, with no page that says why. Uploads are always held, since a broken upload is worse than a \
         slow one; only a rule can say otherwise. Clients that are no proxies (profiles nextcloud, owncloud, \
         rspamd, c-icap-client) always get the verdict first.";
    TAIL_TYPES: Vec<Pattern> = types("TailTypes", ""), Reload,
        "Types of downloads that are released by tail at every size, written as in MimeRules: type/subtype, type/* \
         or type/begin*. For what players and installers read while it comes.";
    TAIL_SIZE: Option<u64> = size_or_none("TailSize", "64MB", 0, 1 << 50), Reload,
        "A download that says it is longer, or has become longer, is released by tail. Up to this size a block page \
         is still possible; above it nobody waits for the whole download. None (or Off): never for its size.";
    STREAM_TYPES: Vec<Pattern> = types("StreamTypes", policy::STREAM_TYPES), Reload,
        "Types of downloads that may never end: without Content-Length, they are released by tail and scanned in \
         windows of 64 MiB that overlap. So are radio stations of any type, by their icy-* fields. The sender says the \
         type: what he sends is scanned all the same, but a file that pretends to be a stream is not seen as one \
         file beyond its first window.";
    TRICKLE_DELAY: Option<u64> = interval("TrickleDelay", "30s", SECOND, HOUR, Never::None), Reload,
        "When a download has been held for so long, its answer begins, and a little of what has been scanned follows, \
         so that neither browser nor proxy gives up. From then on what is blocked ends broken instead of with a page. \
         None: it is held however long it takes.";
    TRICKLE_INTERVAL: Option<u64> = interval("TrickleInterval", "10s", SECOND, HOUR, Never::Unsaid), Reload,
        "How often another piece of such a download follows: 64 KiB of what has been scanned, never of the last \
         128 KiB.";
    VERDICT_CACHE: u64 = size("VerdictCache", "32MB", 0, 1 << 40), Restart,
        "Memory for verdicts that are known already, over all shards; about 130 bytes for each. What was scanned once \
         is then known by its digest, as long as database and settings are the same. 0: everything is scanned anew.";
    VERDICT_LIFETIME: Option<u64> = interval("VerdictLifetime", "1d", MINUTE, 30 * DAY, Never::Unsaid), Reload,
        "How long a verdict is used again. Whenever the database changes, all are forgotten before.";
    TRUSTED_VALIDATORS: Sites = sites("TrustedValidators", ""), Reload,
        "Sites, written as in WhiteList, whose ETag and Last-Modified are believed: an object that was scanned and \
         clean passes within the preview when it is asked for again and has the same validator and length, \
         without its bytes being looked at. For mirrors of one's own. Everywhere else a validator only says \
         which digest to expect, and the digest of the whole body decides.";
    RETRY_BLOCK_TIME: Option<u64> = interval("RetryBlockTime", "10m", SECOND, DAY, Never::None), Reload,
        "How long an address is refused after its download had to be broken off, because something was found when a \
         part had left already: else the client would take it up again and again. None: never.";
    SHARED_CACHE: String = text("SharedCache", ""), Restart,
        "A Valkey or Redis server that several gateways share, for verdicts that this one does not know: \
         unix:/path/to/socket or host:port, with /number behind the port, or ?db=number behind the path, for a \
         database other than 0. Empty: none. Needs SharedCacheKeyFile.";
    SHARED_CACHE_PASSWORD_FILE: Option<PathBuf> = path("SharedCachePasswordFile", ""), Restart,
        "A file whose first line is the password of SharedCache; empty: it asks for none.";
    SHARED_CACHE_KEY_FILE: Option<PathBuf> = path("SharedCacheKeyFile", ""), Restart,
        "A file whose first line is a secret of 16 bytes or more, the same on all gateways that share verdicts \
         (openssl rand -hex 32). Every verdict in SharedCache carries a code made with it; whoever can only write \
         to the server cannot make malware clean.";
    SHARED_CACHE_TIMEOUT: Option<u64> = interval("SharedCacheTimeout", "0.02s", 1, SECOND, Never::Unsaid), Restart,
        "How long a message waits for SharedCache. Then it is scanned.";
    HOLD_LIMIT: u64 = size("HoldLimit", "8GB", 65_536, 1 << 50), Reload,
        "How much of one message is held back until its verdict, in memory and SpoolDir together. A longer \
         message counts as unchecked: BlockUnchecked decides.";
    MEMORY_BUDGET: u64 = size("MemoryBudget", "256MB", 1 << 20, 1 << 50), Restart,
        "Memory for held messages, over all shards. What does not fit goes to SpoolDir.";
    SPOOL_DIR: Option<PathBuf> = path("SpoolDir", ""), Restart,
        "Where held messages go when MemoryBudget is used up; empty: the folder spool in StateDir. A disk \
         is better than a memory file system here.";
    SPOOL_LIMIT: u64 = size("SpoolLimit", "16GB", 0, 1 << 50), Restart,
        "Space for held messages in SpoolDir. 0: nothing is ever written there.";
    TEMPLATES_DIR: Option<PathBuf> = path("TemplatesDir", ""), Reload,
        "Own block pages: ERR_ACCESS_DENIED.html, ERR_DOWNLOAD_BLOCK.html, ERR_FAILED_CHECK.html, and \
         base.html, which they extend; what is missing is taken from the program. Files in a folder de, en, es \
         or ru are for that language only. `baleen pages` lists and shows them.";
    REPORT_LANGUAGES: Vec<&'static str> = words("ReportLanguages", "", &LANGUAGE_TAGS), Reload,
        "Languages of block pages: of these the browser chooses by Accept-Language, and the first is for \
         those that want none of them. Empty: all that the program has, English first.";
    BLOCK_STATUS: &'static str = choice("BlockStatus", "403", &["403", "200", "451"]), Reload,
        "The HTTP status of a block page. 403 tells programs that they were refused; with 200 they take the page \
         for the content, which only very old browsers need; 451 is for blocking by law. A refused CONNECT \
         never gets 200.";
    HOSTMASTER: String = text("Hostmaster", ""), Reload,
        "Whom a blocked user can ask, as shown on block pages; empty: nobody is named.";
    PROFILE: &'static str = choice("Profile", "squid", PROFILES), Reload,
        "Who connects to ListenAddress: how strictly requests are read, and what answers say. strict: RFC \
         3507 to the letter; squid: also the known habits of Squid; the others are named after the \
         clients they are for. fortinet: FortiGate and FortiProxy; legacy: clients from before 2003.";
    MAX_COMPRESSION_RATIO: u64 = integer("MaxCompressionRatio", "500", 2, 1_000_000), Reload,
        "Bytes out of a container for each byte in, once 16 MiB came out; beyond it the object is unchecked.";
    CONTAINER_MAX_LEVEL: u64 = integer("ContainerMaxLevel", "16", 0, 63), Reload,
        "How many containers inside each other are opened; 0: none. Together with MaxRecursion of \
         [ScanEngine] the smaller counts; what is deeper is unchecked.";
    VIOLATIONS_HEADER: bool = switch("ViolationsHeader", "No"), Reload,
        "Send X-Violations-Found, too. It has folded lines, which many clients cannot read.";

    START_ROW: bool = switch("Start", "Yes"), NotYet, START;
    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
    DEBUG_DUMP_ICAP: bool = switch("DebugDumpIcap", "No"), NotYet,
        "Log ICAP messages at level Debug.";
    AD_LIST: Ads = expressions("AdList", ""), Reload,
        "Regular expressions; an address that fits one is always blocked, also when WhiteList has its site. \
          They see the canonical form of an address (lower case, nothing encoded), as host/path?query, or \
          with http:// or https:// in front where the expression says so. One with commas, blanks or quotes \
          needs quotes. @/path/to/file or file(\"path\") for a file with one a line.";
    HEURISTIC_ANALYSIS: bool = switch("HeuristicAnalysis", "Yes"), NotYet, "Use heuristics, too.";
    PACKER_MAX_LEVEL: u64 = integer("PackerMaxLevel", "8", 0, 63), NotYet,
        "How many packers inside each other are undone.";
    ARCHIVE_MAX_LEVEL: u64 = integer("ArchiveMaxLevel", "8", 0, 63), NotYet,
        "How many archives inside each other are opened.";
    MAIL_MAX_LEVEL: u64 = integer("MailMaxLevel", "8", 0, 63), NotYet,
        "How many mail messages inside each other are opened.";
}
