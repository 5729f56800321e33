#compdef mainstayd
# Completion of mainstayd(8) for zsh.
_arguments -s \
    '(-f --use-file)'{-f+,--use-file=}'[Read this configuration]:configuration:_files' \
    '(-t --config-test)'{-t-,--config-test=-}'[Test the configuration, change nothing]::log:_files' \
    '--strict[Refuse a configuration with warnings or errors]' \
    '--takeover[Go on with what another program holds on this host]' \
    '--log-journal=-[Log to journald with fields]::socket:_files' \
    '--log-json[Log JSON lines to stdout as well]' \
    '--shared-account=[Run all roles as this account]:account:_users' \
    '(-P --vrrp)'{-P,--vrrp}'[Run VRRP only]' \
    '(-C --check)'{-C,--check}'[Run health checks and IPVS only]' \
    '(-B --no_bfd)'{-B,--no_bfd}'[Run no BFD]' \
    '(-s --namespace)'{-s+,--namespace=}'[Run in this network namespace]:namespace:' \
    '(-n --dont-fork)'{-n,--dont-fork}'[Stay in the foreground]' \
    '(-l --log-console)'{-l,--log-console}'[Log to the terminal as well]' \
    '(-D --log-detail)'{-D,--log-detail}'[Log more]' \
    '(-S --log-facility)'{-S+,--log-facility=}'[Set the syslog facility]:facility:(0 1 2 3 4 5 6 7 daemon user)' \
    '(-G --no-syslog)'{-G,--no-syslog}'[Do not log to syslog]' \
    '(-V --dont-release-vrrp)'{-V,--dont-release-vrrp}'[Leave the addresses at stop]' \
    '(-I --dont-release-ipvs)'{-I,--dont-release-ipvs}'[Leave the IPVS table at stop]' \
    '(-R --dont-respawn)'{-R,--dont-respawn}'[Stop when a process dies]' \
    '(-p --pid)'{-p+,--pid=}'[Write this pid file]:file:_files' \
    '(-r --vrrp_pid)'{-r+,--vrrp_pid=}'[Write the pid file of the VRRP process]:file:_files' \
    '(-c --checkers_pid)'{-c+,--checkers_pid=}'[Write the pid file of the health checks]:file:_files' \
    '(-b --bfd_pid)'{-b+,--bfd_pid=}'[Write the pid file of the BFD process]:file:_files' \
    '(-e --all-config)'{-e,--all-config}'[Fail when an include matches no file]' \
    '(-u --umask)'{-u+,--umask=}'[Set the file mode mask]:mask:' \
    '(-m --core-dump)'{-m,--core-dump}'[Leave a core dump after a crash]' \
    '(-x --snmp)'{-x,--snmp}'[Serve KEEPALIVED-MIB over AgentX]' \
    '(-A --snmp-agent-socket)'{-A+,--snmp-agent-socket=}'[Connect to this AgentX master]:address:' \
    '(-i --config-id)'{-i+,--config-id=}'[Compare @id lines with this name]:id:' \
    '--signum=[Print the number of a signal]:signal:(STOP RELOAD DATA STATS STATS_CLEAR JSON TDUMP)' \
    '(-v --version)'{-v,--version}'[Print the version]' \
    '(-h --help)'{-h,--help}'[Print help]'
