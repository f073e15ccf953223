//! `[LookupD]`: where rules look up who is in which group.

use std::path::PathBuf;

use super::common::{
    DAY, EXE_PATH, FIXED_SOCKET_PATH, LOG, LOG_LEVEL, LOG_LEVELS, RUN_AS_USER, SECOND,
};
use crate::policy::directory::{Filter, Server};
use crate::settings::row::{
    Never, attributes, choice, integer, interval, ldap_filter, ldap_servers, log_target, path,
    paths, section, switch, text, user,
};

section! {
    "LookupD", "Data sources for rules.";

    GROUPS: Option<PathBuf> = path("Groups", ""), Reload,
        "A file with groups of users, one a line: \"staff: anna, bert@example.com\". Rules name a group as \
         \"FILE@staff\", as in user in \"FILE@staff\", or ask for it as user_group. A user without a domain \
         is meant in every domain.";

    LDAP_SERVERS: Vec<Server> = ldap_servers("LdapServers", ""), Reload,
        "Servers of the directory (LDAP, Active Directory) that knows the groups of users: ldap://host or \
         ldaps://host, with :port where it is not 389 or 636. They are tried in this order. Rules name a group \
         as \"LDAP@staff\" or \"AD@staff\", by its name or its whole DN, or ask for it as user_group. Empty: no \
         directory is asked.";
    LDAP_START_TLS: bool = switch("LdapStartTls", "No"), Reload,
        "Begin TLS on ldap:// servers before anything else is said. A server that refuses it is not used.";
    LDAP_CHECK_CERTIFICATE: &'static str =
        choice("LdapCheckCertificate", "Yes", &["No", "Allow", "Try", "Yes"]), Reload,
        "Whether the certificate of a server has to be good. Yes and Try: a bad one is refused. Allow: it is \
         taken, and the log says so. No: nobody looks.";
    LDAP_CERTIFICATES: Vec<PathBuf> = paths("LdapCertificates", ""), Reload,
        "Files with the certificates (PEM) that the servers' own have to be signed by. Empty: those of the system.";
    LDAP_BIND_DN: String = text("LdapBindDn", ""), Reload,
        "Who asks: a DN, or in Active Directory user@domain. Empty: nobody in particular (anonymous).";
    LDAP_PASSWORD_FILE: Option<PathBuf> = path("LdapPasswordFile", ""), Reload,
        "A file whose first line is the password of LdapBindDn.";
    LDAP_BASE: String = text("LdapBase", ""), Reload,
        "The DN below which users are, as in dc=example,dc=com.";
    LDAP_USER_FILTER: Option<Filter> =
        ldap_filter("LdapUserFilter", "(|(uid=%u)(sAMAccountName=%u))"), Reload,
        "How a user is found (RFC 4515). %u is his name without a domain, %w the name as the proxy writes it, %d \
         the domain, %% a percent sign; whatever the name consists of, it is taken as a value.";
    LDAP_GROUP_ATTRIBUTES: Vec<Box<str>> = attributes("LdapGroupAttributes", "memberOf"), Reload,
        "Attributes of a user that name his groups, by DN or name.";
    LDAP_GROUP_FILTER: Option<Filter> =
        ldap_filter("LdapGroupFilter", "(|(member=%D)(uniqueMember=%D)(memberUid=%u))"), Reload,
        "How the groups of a user are found; %D is the DN of his entry. Empty: LdapGroupAttributes say it all.";
    LDAP_GROUP_BASE: String = text("LdapGroupBase", ""), Reload,
        "The DN below which groups are. Empty: as LdapBase.";
    LDAP_GROUP_NAME: String = text("LdapGroupName", "cn"), Reload,
        "The attribute of a group that is its name.";
    LDAP_NESTED_GROUPS: bool = switch("LdapNestedGroups", "No"), Reload,
        "Active Directory: also groups of groups, in place of LdapGroupFilter.";
    LDAP_TIMEOUT: Option<u64> = interval("LdapTimeout", "2s", 50, 30 * SECOND, Never::Unsaid), Reload,
        "How long a request waits for an answer. Then BlockUnanswered of [ICAPD] decides.";
    LDAP_CONNECTIONS: u64 = integer("LdapConnections", "2", 1, 32), Reload,
        "Questions asked at the same time, each over a connection of its own; those about one user always over \
         the same.";
    IDLE_TIME_LIMIT: Option<u64> = interval("IdleTimeLimit", "30s", 10 * SECOND, 30 * DAY, Never::None), Reload,
        "How long an unused connection to a directory is kept; None keeps it until the server closes it.";
    LDAP_CACHE_SIZE: u64 = integer("LdapCacheSize", "10000", 0, 1_000_000), Reload,
        "Users whose groups are kept; each group of each user takes about 150 bytes.";
    LDAP_CACHE_TIME: Option<u64> = interval("LdapCacheTime", "10m", SECOND, DAY, Never::Unsaid), Reload,
        "How long the groups of a user are kept: so long it takes until a change is seen.";
    LDAP_NEGATIVE_CACHE_TIME: Option<u64> =
        interval("LdapNegativeCacheTime", "1m", SECOND, DAY, Never::Unsaid), Reload,
        "How long it is kept that there is no such user, or that he is in no group.";
    LDAP_SIZE_LIMIT: u64 = integer("LdapSizeLimit", "1000", 1, 10_000), Reload,
        "Groups of one user. Of somebody who is in more it is not known in which he is.";
    DEBUG_LIBLDAP: bool = switch("DebugLibldap", "No"), Reload,
        "Log every question to the directory, with its filters, and every answer.";

    LOG_LEVEL_ROW: &'static str = choice("LogLevel", "Notice", LOG_LEVELS), NotYet, LOG_LEVEL;
    LOG_ROW: String = log_target("Log", "Auto"), NotYet, LOG;
    EXE_PATH_ROW: Option<PathBuf> = path("ExePath", ""), NotYet, EXE_PATH;
    RUN_AS_USER_ROW: String = user("RunAsUser", "drweb"), NotYet, RUN_AS_USER;
    FIXED_SOCKET_PATH_ROW: Option<PathBuf> = path("FixedSocketPath", ""), NotYet, FIXED_SOCKET_PATH;
}
