# undangle enable and disable: the drop-in, word for word, in a root of its own.
lib=$(realpath "$(dirname "$ud")/libundangle.so")
u=$w/root/etc/systemd/system
refuses enable-no-root "enable: $w/root/etc: No such file or directory" "$ud" enable --root="$w/root" nginx
mkdir -p "$u" "$w/root/usr/lib/systemd/system" "$w/root$(dirname "$lib")"
touch "$w/root$lib"
printf '[Service]\nExecStart=/bin/true\n' | tee "$u/nginx.service" >"$w/root/usr/lib/systemd/system/getty@.service"
gives enable 0 "$u/nginx.service.d/undangle.conf
takes effect with: systemctl daemon-reload && systemctl restart nginx" "$ud" enable --root="$w/root" nginx
verdict enable-file "# written by: undangle enable nginx
[Service]
Environment=\"LD_PRELOAD=$lib\"
Environment=\"UNDANGLE_OPTIONS=profile=production\"" "$(cat "$u/nginx.service.d/undangle.conf")"
"$ud" enable --root="$w/root" --detect=deferred --log='/var/log/a "b" \c/%p' -- getty@tty1.service >/dev/null
verdict enable-quotes 'Environment="UNDANGLE_OPTIONS=detect=deferred:profile=production:log=/var/log/a \"b\" \\\\c/%%p"' \
	"$(grep OPTIONS "$u/getty@tty1.service.d/undangle.conf")"
{ "$ud" enable --root="$w/root" getty@tty2.service; "$ud" enable --root="$w/root" ngimx; rm "$w/root$lib"; "$ud" enable --root="$w/root" nginx; } 2>err >/dev/null
verdict enable-no-unit 'undangle: warning: enable: no unit ngimx.service is here yet
undangle: warning: enable: '"$w/root$lib is not there yet" "$(cat err)"
if command -v systemd-analyze >/dev/null; then
	verdict enable-systemd '' "$(systemd-analyze --root="$w/root" verify nginx.service 2>&1 | grep undangle.conf)"
fi
gives disable 0 "$u/nginx.service.d/undangle.conf is gone
takes effect with: systemctl daemon-reload && systemctl restart nginx" "$ud" disable --root="$w/root" nginx
verdict disable-directory '' "$(ls -d "$u/nginx.service.d" 2>/dev/null)"
refuses disable-again "disable: $u/nginx.service.d/undangle.conf: is not there: the unit is not enabled" "$ud" disable --root="$w/root" nginx
refuses enable-nothing 'enable: no unit given: undangle enable UNIT' "$ud" enable --root="$w/root"
refuses enable-path "enable: '../x' is no name of a unit" "$ud" enable --root="$w/root" ../x
refuses enable-socket "enable: 'a@b.socket' is no service" "$ud" enable --root="$w/root" a@b.socket
refuses enable-late "enable: '--stats': options come before the unit, and there is one unit" "$ud" enable --root="$w/root" nginx --stats
refuses enable-option "unknown option '--detetc': did you mean '--detect'?" "$ud" enable --detetc=strict nginx
refuses enable-root 'enable: --root=x: is no absolute path' "$ud" enable --root=x nginx
touch "$w/flat"
refuses enable-nowhere "enable: $w/flat/etc: Not a directory" "$ud" enable --root="$w/flat" nginx
# what would make systemd start the service without, and what means another folder there
refuses enable-relative 'enable: --log=here: is no absolute path' "$ud" enable --root="$w/root" --log=here nginx
refuses enable-line 'enable: /a?User=x: systemd takes no such characters' "$ud" enable --root="$w/root" --log=$'/a\nUser=x' nginx
refuses enable-bytes "enable: /a"$'\xff'": systemd takes no such characters" "$ud" enable --root="$w/root" --log=$'/a\xff' nginx
refuses enable-help "'--help' stands alone, before all others" "$ud" enable --root="$w/root" --help
refuses disable-option "disable: unknown option '--stats'" "$ud" disable --stats
# nothing is left of what could not be written
(ulimit -f 0; trap '' XFSZ; "$ud" enable --root="$w/root" full 2>&1) | cat >err
verdict enable-full "undangle: enable: $u/full.service.d/undangle.conf: File too large" "$(cat err)"
verdict enable-full-left '' "$(find "$w/root" -name 'full*')"
