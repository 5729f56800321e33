#compdef mainstayctl
# Completion of mainstayctl(1) for zsh.
_mainstayctl() {
    local state line
    _arguments -C '--instance[Ask the daemon of this name]:name:' '--pid-file[Ask the daemon that was started with -p FILE]:file:_files' '--socket[Ask the daemon with this control socket]:socket:_files' '--host[Run the command on this host, over ssh]:host:_hosts' '--version[Print the version]' \
        '(-h --help)'{-h,--help}'[Print help]' '1:command:(status vrrp lvs events why top metrics config reload upgrade takeover server mail webhook loglevel failover maintenance api record replay announced fleet ipvs daemons doctor migrate)' '*::argument:->rest'
    [[ $state == rest ]] || return
    local names=''
    [[ $line[1] == (status|vrrp|lvs|why|events) ]] && names=${(f)"$(mainstayctl status --json 2>/dev/null | sed -nE 's/^ *"name": "([^" ]+)",?$/\1/p')"}
    case $line[1] in
        vrrp | lvs) _arguments '--json[Print the answer of the daemon as JSON]' '--watch[Show it again every two seconds]' "*:name:($names)" ;;
        status) _arguments '--json[Print the answer of the daemon as JSON]' '--check[Print one line for monitoring]' '--watch[Show it again every two seconds]' "*:name:($names)" ;;
        why) _arguments '--json[Print the answer of the daemon as JSON]' '--udp[The flow is one of UDP]' "1:name:($names)" '2:service:' ;;
        events)
            _arguments '(-f --follow)'{-f,--follow}'[Go on showing events]' '--since[Show events since then]:time:(today yesterday)' \
                "--instance[Show events of this instance or group]:name:($names)" "--service[Show events of this service]:name:($names)" \
                '(-n --lines)'{-n,--lines}'[Show this many of the last events]:count:' '--json[Print JSON lines]' ;;
        top) _arguments '(-n --lines)'{-n,--lines}'[Show this many]:count:' '--watch[Show them again every two seconds]' ;;
        metrics)
            _arguments '--scope[Print sums for each service, or also servers]:scope:(services servers)' \
                '*--compat[Add names of other exporters]:exporter:(mehdy mehdy-state mehdy-2020 gen2brain node_exporter)' \
                '--openmetrics[Print OpenMetrics]' '--reference[Print the tables of all metrics]' ;;
        announced)
            _arguments '--follow[Go on with what changes]' "--exabgp[Print commands of ExaBGP]" '--interface[Look at this interface]:interface:' \
                '--drain-interface[Look at this drain interface]:interface:' ;;
        fleet) _arguments '--json[Print the differences as JSON]' '*:director:_hosts' ;;
        daemons) _arguments '--json[Print them as JSON]' ;;
        ipvs) _arguments '(--mtu)--stats[Show connections, packets and bytes]' '(--stats)--mtu[Show how large packets may be, to each server]' ;;
        reload) _arguments '--dry-run[Show the changes, make none]' '--force[Remove what broken blocks no longer define]' '--json[Print the changes as JSON]' '--yes[Reload even if new errors leave something out]' '1:file:_files' ;;
        takeover) _arguments '--undo[Go back to keepalived]' '--confirm[Start mainstay at boot]' '--pid-file[Find keepalived by this file]:file:_files' '--unit[Name of the systemd unit of keepalived]:unit:' ;;
        failover) _arguments '--back[Let it preempt again]' '--dry-run[Show the changes, make none]' '1:instance or sync group:' ;;
        maintenance)
            case $words[2] in
                on) _arguments '--for[End it after this time]:time:' '--reason[Show this text in status and log]:text:' '--dry-run[Show the changes, make none]' ;;
                off) _arguments '--dry-run[Show the changes, make none]' ;;
                *) _values 'maintenance command' off on show ;;
            esac
            ;;
        loglevel)
            _arguments '1:module or level:(supervisor config vrrp lvs bfd track snmp observer mail webhook api debug info notice warning error default)' \
                '2:level:(debug info notice warning error default)' ;;
        upgrade) _arguments '1:program:_files' ;;
        server)
            case $words[2] in
                show) _arguments '1:servers:' ;;
                drain)
                    _arguments '--dry-run[Show the changes, make none]' '--for[End the override after this time]:time:' \
                        '--reason[Show this text in status, why and log]:text:' '--wait[Wait until no connection is left]' \
                        '--timeout[Wait at most this long]:time:' \
                        '--expire-persistence[Also release clients bound by persistence]' '1:servers:' ;;
                disable)
                    _arguments '--dry-run[Show the changes, make none]' '--for[End the override after this time]:time:' \
                        '--reason[Show this text in status, why and log]:text:' '--wait[Wait until no connection is left]' \
                        '--timeout[Wait at most this long]:time:' '1:servers:' ;;
                enable) _arguments '--dry-run[Show the changes, make none]' '1:servers:' ;;
                weight)
                    _arguments '--dry-run[Show the changes, make none]' '--for[End the override after this time]:time:' \
                        '--reason[Show this text in status, why and log]:text:' '1:servers:' '2:weight:' ;;
                *) _values 'server command' disable drain enable show weight ;;
            esac
            ;;
        mail)
            [[ $words[2] == (retry|drop) ]] && names=${(f)"$(mainstayctl mail queue --json 2>/dev/null | grep -oE '"id":"[^"]+"' | cut -d'"' -f4)"}
            case $words[2] in
                queue) _arguments '--json[Print the answer of the daemon as JSON]' ;;
                retry) _arguments '--all[Try all mails]' "*:id:($names)" ;;
                drop) _arguments '--all[Delete all of them]' "*:id:($names)" ;;
                test) _arguments '*--to[Send it to this address]:address:' ;;
                *) _values 'mail command' drop queue retry test ;;
            esac
            ;;
        webhook)
            [[ $words[2] == (retry|drop) ]] && names=${(f)"$(mainstayctl webhook queue --json 2>/dev/null | grep -oE '"id":"[^"]+"' | cut -d'"' -f4)"}
            case $words[2] in
                queue) _arguments '--json[Print the answer of the daemon as JSON]' ;;
                retry) _arguments '--all[Try all events]' "*:id:($names)" ;;
                drop) _arguments '--all[Delete all of them]' "*:id:($names)" ;;
                test) _arguments '*--to[Send it to this webhook]:webhook:' ;;
                *) _values 'webhook command' drop queue retry test ;;
            esac
            ;;
        api)
            case $words[2] in
                credential)
                    _arguments '--role[What it is for]:role:(read operate)' '--days[Let it end after this many days]:days:' \
                        '--password[Read a password from stdin]' '1:name:' ;;
                *) _values 'api command' credential ;;
            esac
            ;;
        record)
            case $words[2] in
                save) _arguments '1:file:_files' ;;
                *) _values 'record command' save ;;
            esac
            ;;
        replay) _arguments '--at[Show the half minute before this time and the states then]:time:' '--instance[Show what concerns this instance only]:name:' '--service[Show what concerns this virtual server and its servers only]:name:' '--server[Show what concerns this real server only]:name:' '1:file:_files' ;;
        doctor) _arguments '--json[Print the findings as JSON]' '(-f --file)'{-f,--file}'[Read this configuration]:file:_files' ;;
        migrate) _arguments '--from[Convert a file of this program]:program:(ldirectord ipvsadm)' '--root[Read the set-up of keepalived below this folder]:folder:_files -/' '--json[Print the report as JSON]' '1:file:_files' ;;
        config)
            case $words[2] in
                check)
                    _arguments '--json[Print the diagnostics as one JSON array]' '--strict[Treat warnings as errors]' \
                        '(-i --config-id)'{-i,--config-id}'[Compare @id lines with this name]:id:' '*:file:_files' ;;
                explain) _arguments '*:keyword:(${(f)"$(mainstayctl config explain 2>/dev/null)"})' ;;
                print) _arguments '1:file:_files' ;;
                convert) _arguments '(-i --config-id)'{-i,--config-id}'[Take @ID lines of this id]:id:' '1:file:_files' ;;
                schema) _arguments '--json[Print JSON, the only form]' ;;
                diff) _arguments '--json[Print the changes as JSON]' \
                        '(-i --config-id)'{-i,--config-id}'[Take @ID lines of this id]:id:' '1:file:_files' '2:file:_files' ;;
                pair) _arguments '--ids[Take the @ID lines of these two ids]:ids:' '1:file:_files' '2:file:_files' ;;
                reference)
                    _arguments '--markdown[Print Markdown tables]' '--man[Print the keyword part of mainstay.conf(5)]' \
                        '--toml-man[Print the keyword part of mainstay.toml(5)]' '--list[Print one line for each keyword]' '--head[Print this file first]:file:_files' ;;
                *) _values 'config command' check convert diff explain pair print reference schema ;;
            esac
            ;;
    esac
}
_mainstayctl "$@"
