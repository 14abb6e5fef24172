# perl: hashes, sorts, regular expressions, closures, fork, its own core test modules.
# needs: perl
# timeout: 90
n=30000
[ "$SIZE" = full ] && n=600000
[ "$SIZE" = tiny ] && n=1500
perl -Mstrict -MDigest::MD5=md5_hex -MList::Util=sum,shuffle -MData::Dumper -e '
my ($n) = @ARGV;
my (%h, @a);
for my $i (1 .. $n) { push @{$h{$i % 997}}, "v$i"; push @a, { id => $i, s => "x" x ($i % 50) }; }
print md5_hex(join ",", map { "$_=" . scalar @{$h{$_}} } sort { $a <=> $b } keys %h), "\n";
delete $h{$_} for grep { $_ % 2 } keys %h;
@a = sort { length($a->{s}) <=> length($b->{s}) || $b->{id} <=> $a->{id} } @a;
print sum(map { $_->{id} * length $_->{s} } @a), "\n";
my $t = join " ", map { "word$_" } 1 .. $n;
my $c = () = $t =~ /\bword(\d*7)\b/g;
$t =~ s/(\d+)/<$1>/g;
print "$c ", length $t, " ", md5_hex($t), "\n";
my @subs = map { my $k = $_; sub { $k * shift } } 1 .. 1000;
print sum(map { $_->(3) } @subs), "\n";
for my $i (1 .. 5) { my $pid = fork; if (!$pid) { my @x = (1) x ($i * 1000); exit scalar(@x) / 1000; } waitpid $pid, 0; print $? >> 8, " "; }
print "\n";
local $Data::Dumper::Sortkeys = 1;
print md5_hex(Dumper([@a[0 .. 100]])), "\n";
print scalar(`echo from shell`);
eval { die { code => 42 } }; print "died $@->{code}\n";
open my $f, ">", "out" or die; print $f "line $_\n" for 1 .. 5000; close $f;
open $f, "<", "out" or die; my @l = <$f>; print scalar @l, " $l[-1]";
' $n
