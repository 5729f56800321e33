# Completion of mainstayd(8) for bash.
_mainstayd() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    # In "--use-file=/etc/ke" readline treats the = as a separate word.
    [[ $current == '=' ]] && current=''
    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
    COMPREPLY=()
    case $previous in
        -f | --use-file | -p | --pid | -r | --vrrp_pid | -c | --checkers_pid | -b | --bfd_pid | --config-test)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            ;;
        --shared-account) mapfile -t COMPREPLY < <(compgen -u -- "$current") ;;
        --signum) mapfile -t COMPREPLY < <(compgen -W 'STOP RELOAD DATA STATS STATS_CLEAR JSON TDUMP' -- "$current") ;;
        -S | --log-facility) mapfile -t COMPREPLY < <(compgen -W '0 1 2 3 4 5 6 7 daemon user' -- "$current") ;;
        -i | --config-id | -u | --umask | -s | --namespace) ;;
        *)
            mapfile -t COMPREPLY < <(compgen -W '--use-file= --config-test --strict --takeover --shared-account= --log-journal --log-json --all-config --config-id= --vrrp --check --no_bfd --namespace= --dont-fork
                --log-console --log-detail --log-facility= --no-syslog --dont-release-vrrp --dont-release-ipvs
                --dont-respawn --pid= --vrrp_pid= --checkers_pid= --bfd_pid= --umask= --core-dump --snmp --snmp-agent-socket= --signum= --version --help' \
                -- "$current")
            [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
            ;;
    esac
}
complete -F _mainstayd mainstayd
