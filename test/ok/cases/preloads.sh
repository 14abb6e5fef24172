# needs: fakeroot faketime eatmydata torsocks
# host-only: not tried: other preloaded libraries than mallocs
# Programs that preload a library of their own beside ours.
fakeroot sh -c 'touch a; chown 12:34 a; stat -c "%u %g" a; id -u'
echo "fakeroot $?"
faketime '2020-01-02 03:04:05' date -u +%F
echo "faketime $?"
eatmydata sh -c 'echo x >b; sync b; cat b'
echo "eatmydata $?"
torsocks echo torsocks
echo "torsocks $?"
