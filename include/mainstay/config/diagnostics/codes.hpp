// The numbers of diagnostics, printed as MS0102. They are stable: never renumber, never reuse; add at the end of a
// group.
#pragma once

#include <cstdint>

namespace mainstay::config {

enum class Code : std::uint16_t {
    // The file itself
    FileMissing = 1,
    FileUnreadable = 2,
    FileNotRegular = 3,
    FileExecutable = 4,
    FileTooLarge = 5,
    FileBinary = 6,
    IncludeProblem = 7,
    TooManyDiagnostics = 8,
    IncludeFailed = 9,
    SeveralFiles = 10,
    FileExposed = 11,    // others than root can change it
    SecretExposed = 12,  // others can read it
    // Text and structure
    ByteOrderMark = 100,
    LineTooLong = 101,
    NulByte = 102,
    UnterminatedQuote = 103,
    SlashComment = 104,
    UnknownKeyword = 105,
    UnknownBlock = 106,
    MisplacedKeyword = 107,
    MissingOpenBrace = 108,
    MissingCloseBrace = 109,
    ExtraCloseBrace = 110,
    UnexpectedBlock = 111,
    NestedTooDeep = 112,
    MissingWord = 113,
    SurplusWords = 114,
    Prose = 115,
    DefinitionRefused = 116,
    InvisibleCharacter = 117,
    EmptyBlock = 118,
    NameNotDefined = 119,
    ExpansionLimit = 120,
    RepetitionRefused = 121,
    TomlSyntax = 122,
    TomlType = 123,   // a value of a type that the keyword does not take
    TomlValue = 124,  // a text that no word of the language can hold
    UnknownSetting = 125,
    // Values
    NotANumber = 200,
    OutOfRange = 201,
    UnknownUnit = 202,
    TooManyDecimals = 203,
    NotABoolean = 204,
    NotAnAddress = 205,
    UnknownWord = 206,
    TooLong = 207,
    Deprecated = 208,
    NotActedOn = 209,
    BadCommand = 210,
    GivenTwice = 211,
    FamilyMismatch = 212,
    BadPrefix = 213,
    UnknownHost = 214,
    NotAMailAddress = 215,
    EmptyValue = 216,
    // Across keywords: scripts and accounts
    UnknownAccount = 300,
    ScriptNotFound = 301,
    ScriptInsecure = 302,
    ScriptSecurity = 303,
    ScriptUndefined = 304,
    ScriptUnused = 305,
    ScriptWithoutCommand = 306,
    TrackerUndefined = 307,  // a track_file, vrrp_track_process or bfd_instance
    TrackerUnused = 308,
    MailToNobody = 309,
    TrackerWithoutSubject = 310,  // a track_file without file, a vrrp_track_process without process
    ShellWord = 311,              // in a command that no shell reads
    ProcessNeverMatches = 312,    // of a vrrp_track_process
    // VRRP
    NoVirtualRouterId = 400,
    VirtualRouterIdConflict = 401,
    NoInterface = 402,
    InterfaceMissing = 403,
    LoopbackInterface = 404,
    NoVirtualAddress = 405,
    DuplicateAddress = 406,
    TooManyAddresses = 407,
    AuthenticationUnused = 408,
    AuthenticationIncomplete = 409,
    IntervalRounded = 410,
    PreemptIgnored = 411,
    StrictMode = 412,
    OwnInterfaceTracked = 413,
    GroupMember = 414,
    GroupTooSmall = 415,
    DuplicateName = 416,
    NoName = 417,
    UnicastWithoutPeers = 418,
    VersionConflict = 419,
    TrackerWeight = 420,
    SmallWeight = 421,
    NoNeighbor = 422,  // of a bfd_instance
    NetworkNamespaceMissing = 423,
    AddressOffLink = 424,
    OnlyAddress = 425,  // of the interface, and a virtual one
    DeviceWithoutAddress = 426,
    VrfIgnored = 427,
    OwnPeer = 428,  // its own address among its unicast peers
    // Load balancing
    NoRealServer = 500,
    NoProtocol = 501,
    NoScheduler = 502,
    NoForwarding = 503,
    PortReset = 504,
    ZeroPort = 505,
    DuplicateServer = 506,
    QuorumTooHigh = 507,
    HysteresisTooHigh = 508,
    ThresholdOrder = 509,
    ProtocolIgnored = 510,
    UnknownGroup = 511,
    CheckerIncomplete = 512,
    FlagIgnored = 513,
    RetryUnknown = 514,
    NatMask = 515,
    DuplicateService = 516,
    RealServerIsVirtual = 517,
    GroupUnused = 518,  // a virtual_server_group
    GroupTooBig = 519,
    SyncInstance = 520,
    SuspendIgnored = 521,
    BadPattern = 522,
    AnnounceUnusable = 523,
    AnnounceConflict = 524,
    ActiveActiveRefused = 525,
    ActiveActiveSettings = 526,
    EqualShares = 527,  // of slots of an mh table
    RealServerIsPeer = 528,
    BadVirtualHost = 529,
    BadPath = 530,
    // Two directors against each other
    PairIdentity = 600,
    PairInstanceMissing = 601,
    PairProtocol = 602,
    PairAuthentication = 603,
    PairAddresses = 604,
    PairUnicast = 605,
    PairPriority = 606,
    PairState = 607,
    PairPreemption = 608,
    PairWeight = 609,
    PairGroup = 610,
    PairService = 611,
};

}  // namespace mainstay::config
