# openssl: hashes, ciphers, keys, signatures, a certificate, TLS between two processes, speed.
# needs: openssl
# timeout: 60
# full-timeout: 300
# not-tiny: not tried: each process makes a virtual machine of its own there, half a second in an emulator: 60 of them
bits=1024
speed="-seconds 1 -bytes 1024" # all sizes: 6 times as long
ciphers="aes-256-cbc chacha20"
[ "$SIZE" = full ] && bits=4096 && speed="-seconds 3" && ciphers="$ciphers aes-128-ctr camellia-256-cbc"
[ "$SIZE" = tiny ] && ciphers=aes-256-cbc
seq 1 300000 >d
for h in md5 sha1 sha256 sha512 sha3-256 blake2b512; do openssl dgst -$h d; done
for c in $ciphers; do
	openssl enc -$c -pbkdf2 -S 0011223344556677 -k secret -in d | openssl dgst -sha256
	openssl enc -$c -pbkdf2 -k secret -in d | openssl enc -d -$c -pbkdf2 -k secret | cmp - d && echo $c
done
openssl genrsa -out k.pem $bits 2>/dev/null && openssl rsa -in k.pem -check -noout 2>/dev/null
openssl rsa -in k.pem -pubout -out p.pem 2>/dev/null
openssl dgst -sha256 -sign k.pem -out s d && openssl dgst -sha256 -verify p.pem -signature s d
echo x >>d
openssl dgst -sha256 -verify p.pem -signature s d 2>/dev/null
openssl ecparam -genkey -name prime256v1 -noout -out e.pem
openssl req -new -x509 -key e.pem -out c.pem -subj /CN=localhost -days 1 && openssl x509 -in c.pem -noout -subject
openssl verify -CAfile c.pem c.pem
openssl s_server -accept $PORT -key e.pem -cert c.pem -quiet -www >/dev/null 2>&1 &
pid=$!
for _ in $(seq 100); do
	sleep 0.2
	r=$(echo 'GET / HTTP/1.0
' | timeout 120 openssl s_client -connect 127.0.0.1:$PORT -CAfile c.pem -quiet 2>/dev/null | grep -c 'HTTP/1.0 200')
	[ "$r" -gt 0 ] && break
done
[ "$r" -gt 0 ] || exit 1
kill $pid
openssl speed $speed -multi 2 sha256 2>/dev/null | grep -cE '^(sha256)'
openssl rand -hex 16 | wc -c
openssl ciphers | md5sum
