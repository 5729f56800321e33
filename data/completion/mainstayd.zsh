#compdef mainstayd
# Completion of mainstayd(8) for zsh.
_arguments -s \
    '(-f --use-file)'{-f+,--use-file=}'[read this configuration]:configuration:_files' \
    '(-t --config-test)'{-t-,--config-test=-}'[test the configuration, change nothing]::log:_files' \
    '--strict[refuse a configuration with warnings or errors]' \
    '--shared-account=[run all roles as this account]:account:_users' \
    '(-P --vrrp)'{-P,--vrrp}'[VRRP only]' \
    '(-C --check)'{-C,--check}'[health checks and IPVS only]' \
    '(-B --no_bfd)'{-B,--no_bfd}'[no BFD]' \
    '(-s --namespace)'{-s+,--namespace=}'[work in this network namespace]:namespace:' \
    '(-n --dont-fork)'{-n,--dont-fork}'[stay in the foreground]' \
    '(-l --log-console)'{-l,--log-console}'[log to the terminal as well]' \
    '(-D --log-detail)'{-D,--log-detail}'[log more]' \
    '(-S --log-facility)'{-S+,--log-facility=}'[syslog facility]:facility:(0 1 2 3 4 5 6 7 daemon user)' \
    '(-G --no-syslog)'{-G,--no-syslog}'[no syslog]' \
    '(-V --dont-release-vrrp)'{-V,--dont-release-vrrp}'[leave the addresses at stop]' \
    '(-I --dont-release-ipvs)'{-I,--dont-release-ipvs}'[leave the IPVS table at stop]' \
    '(-R --dont-respawn)'{-R,--dont-respawn}'[stop when a process dies]' \
    '(-p --pid)'{-p+,--pid=}'[pid file]:file:_files' \
    '(-r --vrrp_pid)'{-r+,--vrrp_pid=}'[pid file of the VRRP process]:file:_files' \
    '(-c --checkers_pid)'{-c+,--checkers_pid=}'[pid file of the health checks]:file:_files' \
    '(-b --bfd_pid)'{-b+,--bfd_pid=}'[pid file of the BFD process]:file:_files' \
    '(-e --all-config)'{-e,--all-config}'[every include must find what it names]' \
    '(-u --umask)'{-u+,--umask=}'[file mode mask]:mask:' \
    '(-m --core-dump)'{-m,--core-dump}'[leave a core dump after a crash]' \
    '(-x --snmp)'{-x,--snmp}'[show KEEPALIVED-MIB over AgentX]' \
    '(-A --snmp-agent-socket)'{-A+,--snmp-agent-socket=}'[of the AgentX master]:address:' \
    '(-i --config-id)'{-i+,--config-id=}'[what @id lines are compared with]:id:' \
    '--signum=[print the number of a signal]:signal:(STOP RELOAD DATA STATS STATS_CLEAR JSON TDUMP)' \
    '(-v --version)'{-v,--version}'[print the version]' \
    '(-h --help)'{-h,--help}'[print help]'
