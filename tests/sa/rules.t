#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scored rules promise: session facts alone stay below 5, nothing is
# counted twice, certain enough to discard needs three families, good records
# take points back; and the form of every rule.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Scan;
use Test::More;

# ---- form -------------------------------------------------------------------
open(my $in, '<', "$Scan::TOP/rules/70_targrey.cf") or die $!;
my (%rule, %describe, %score, %tflags);
while (<$in>) {
	$rule{$2} = $1 if /^(header|meta|body|rawbody|uri|full)\s+(\w+)/;
	$describe{$1} = $2 if /^describe\s+(\w+)\s+(.*)/;
	$score{$1} = $2 if /^score\s+(\w+)\s+(.*)/;
	$tflags{$1} = $2 if /^tflags\s+(\w+)\s+(.*)/;
}
close $in;
my @scored = sort grep { !/^__/ } keys %rule;
cmp_ok(scalar @scored, '>=', 20, 'there are rules');
for my $name (@scored) {
	my @bad;
	push @bad, 'name' if $name !~ /^TARGREY_[A-Z0-9_]{1,14}$/;
	push @bad, 'describe' if length($describe{$name} // '') < 10
	    || length $describe{$name} > 50;
	push @bad, 'score' if ($score{$name} // '') !~ /^-?[\d.]+(?: -?[\d.]+ -?[\d.]+ -?[\d.]+)?$/;
	push @bad, 'noautolearn' if ($tflags{$name} // '') !~ /\bnoautolearn\b/;
	push @bad, 'nice' if ($score{$name} =~ /^-/) != ($tflags{$name} =~ /\bnice\b/);
	is("@bad", '', "$name: name, describe, score, tflags");
}
is(join(' ', grep { !$rule{$_} } keys %describe, keys %score, keys %tflags), '',
    'nothing is described or scored that is no rule');
open($in, '<', "$Scan::TOP/rules/README.md") or die $!;
my $manual = do { local $/; <$in> };
close $in;
is(join(' ', grep { $manual !~ /`\Q$_\E`/ } @scored), '', 'rules/README.md explains every rule');
for my $name (@scored) {
	my ($told) = $manual =~ /^\| `\Q$name\E` \| ([^|]*?) \|/m;
	is($told, $score{$name}, "rules/README.md has the score of $name");
}

# ---- stand-ins for Bayes and for what needs the network ----------------------
my $STANDINS = <<'CF';
header   BAYES_99      X-Test =~ /\bbayes99\b/
header   BAYES_999     X-Test =~ /\bbayes999\b/
header   URIBL_BLACK   X-Test =~ /\buri\b/
header   RAZOR2_CHECK  X-Test =~ /\bhash\b/
header   RCVD_IN_XBL   X-Test =~ /\bxbl\b/
score    BAYES_99 3.8
score    BAYES_999 0.2
score    URIBL_BLACK 1.7
score    RAZOR2_CHECK 1.7
score    RCVD_IN_XBL 0.7
score    TARGREY_LINE_BAYES 2.5
score    TARGREY_LINE_BAYES9 1.0
score    TARGREY_ODD_BAYES 1.5
score    TARGREY_LINE_URI 2.5
score    TARGREY_LINE_HASH 2.0
score    TARGREY_LINE_LISTED 1.0
CF
my $sa = Scan->new(cf => $STANDINS);
my ($issues, $said) = $sa->lint;
is($issues, 0, 'lint is clean') or diag $said;

sub scan {
	my ($facts, %mail) = @_;
	my %is = ref $facts ? (above => Scan::session(%$facts)) : ();
	return $sa->check(Scan::mail(%is, %mail));
}
sub points {
	my ($result) = @_;
	my $sum = 0;
	$sum += $result->{hits}{$_} for grep { /^TARGREY_/ } keys %{ $result->{hits} };
	return $sum;
}
sub hit { return $_[0]{hits}{$_[1]} ? 1 : 0 }
sub boundary { return boundary => Scan::received(@_) }

# ---- session facts alone ----------------------------------------------------
my %WORST = (s25r => 'match', s25r_rule => 1, early => 'yes', pipe => 'yes',
    gaveup => 9, gaveup_secs => 20, rcpt_refused => 50, helo => 'ours',
    helo_dns => 'none', from => 'ours', spf => 'fail', spf_helo => 'fail',
    spam => 20, seen => 99, age => 3, forged => 4, tarpit => 'endured',
    tarpit_secs => 125, dnsbl => 'zen', local => 'bad');
my $most = 0;
for my $rdns (qw(pass mismatch none)) {
	my $rule = $rdns eq 'pass' ? 1 : 0;
	for my $name ($rdns eq 'pass' ? 'mail.example.net' : 'unknown', 'p7-dyn100.example.net',
	    '198-51-100-7.dsl.example.net') {
		next if $rdns ne 'pass' && $name ne 'unknown';
		for my $helo ($name, 'mx.example.jp') {
			my $result = scan({ %WORST, rdns => $rdns, s25r_rule => $rule },
			    boundary(name => $name, helo => $helo));
			cmp_ok(points($result), '<', 5,
			    "every bad fact at once ($rdns, $name, HELO $helo): our points");
			$most = points($result) if points($result) > $most;
		}
	}
}
cmp_ok($most, '>', 4, 'the sum that is claimed is reached');
for my $helo ('mail.example.org', 'mx.example.jp') {
	for my $name ('unknown', 'p7-dyn100.example.net') {
		my $result = scan({ %WORST, rdns => $name eq 'unknown' ? 'none' : 'pass', spam => 0 },
		    boundary(name => $name, helo => $helo));
		cmp_ok($result->{score}, '<', 5,
		    "... and with what stock rules give for $name and HELO $helo");
	}
}
my $neutral = scan({});
is(Scan::ours($neutral), '', 'an honest server: nothing of ours hits');
is(Scan::ours(scan(undef)), '', 'exempt mail has no headers, and no rule scores that');

# ---- families: once each, and not what stock rules count ----------------------
my $s25r = scan({ s25r => 'match' }, boundary(name => 'p7x9.example.net', helo => 'p7x9.example.net'));
is(Scan::ours($s25r), 'TARGREY_S25R', 'a machine-made name alone is a hint');
my $dynamic = scan({ s25r => 'match' }, boundary(name => '198-51-100-7.dsl.example.net', helo => '198-51-100-7.dsl.example.net'));
ok(hit($dynamic, 'RDNS_DYNAMIC') && !hit($dynamic, 'TARGREY_S25R'), 'RDNS_DYNAMIC takes the place of S25R');
my $none = scan({ s25r => 'match', rdns => 'none' }, boundary(name => 'unknown'));
ok(hit($none, 'RDNS_NONE') && !hit($none, 'TARGREY_S25R'), 'so does RDNS_NONE');
my $bare = scan({ helo => 'bare' }, boundary(helo => 'friend'));
ok(!hit($bare, 'TARGREY_IDENT'), 'a HELO that stock rules score is left to them');
my $ours = scan({ helo => 'ours' }, boundary(helo => 'mail.example.net'));
is(Scan::ours($ours), 'TARGREY_HELO_OURS TARGREY_IDENT', 'our own name as HELO is ours to score');
is(points(scan({ early => 'yes' })), points(scan({ early => 'yes', passed => 9 })),
    'coming early counts whatever else is known');
is(Scan::ours(scan({ gaveup => 3, passed => 2 })), '', 'hang-ups of a client that came through are forgiven');
is(Scan::ours(scan({ gaveup => 3 })), 'TARGREY_BEHAV', 'those of one that never did are not');
is(Scan::ours(scan({ from => 'self' })), '', 'mail to oneself from a good name is no claim');
ok(hit(scan({ from => 'self', rdns => 'none', s25r => 'match' }, boundary(name => 'unknown')), 'TARGREY_IDENT'),
    'from a host without a name it is');
ok(!hit(scan({ from => 'self', rdns => 'none', s25r => 'match', spf => 'pass' }, boundary(name => 'unknown')), 'TARGREY_IDENT'),
    'unless SPF vouches');
ok(!hit(scan({ s25r => 'match', spf => 'none' }), 'TARGREY_LINE_SPF'), 'no SPF is no failed SPF');

# ---- small signs --------------------------------------------------------------
my %LINE = (s25r => 'match', s25r_rule => 0, rdns => 'none');
my %SPAMMY = (from => 'promo@offers.example.net', subject => 'SPECIAL OFFER 50% off!',
    body => "Order now, limited time! Cheap replica watches. Click here: http://offers.example.net/\n");
ok(hit(scan(\%LINE, %SPAMMY, boundary(name => 'unknown')), 'TARGREY_SURE_SIGNS4'), 'no name and several signs');
ok(hit(scan({ s25r => 'match' }, %SPAMMY, boundary(name => 'p7x9.example.net')), 'TARGREY_LINE_SIGNS'), 'a machine-made name and several signs');
is(Scan::ours(scan({}, %SPAMMY)), '', 'the same mail of an honest server scores nothing of ours');
ok(!hit(scan(\%LINE, %SPAMMY, headers => "In-Reply-To: <1\@example.jp>\n", boundary(name => 'unknown')), 'TARGREY_SURE_SIGNS1'),
    'an answer to earlier mail');
ok(!hit(scan({ %LINE, ham => 1 }, %SPAMMY, boundary(name => 'unknown')), 'TARGREY_SURE_SIGNS1'), 'a client with good mail on record');
ok(!hit(scan({ %LINE, passed => 1 }, %SPAMMY, boundary(name => 'unknown')), 'TARGREY_SURE_SIGNS1'), 'a client that came through before');
ok(hit(scan({ pipe => 'yes' }, %SPAMMY), 'TARGREY_ODD_SIGNS'), 'an oddly behaving server and several signs');
my %CLIENT = (above => Scan::session(%LINE) . "X-TaRgrey-Client: v=1; ip=198.51.100.7; name=unknown; ptr=unknown; heloname=a.other.example; key=198.51.100.7\n");
my $foreign = $sa->check(Scan::mail(%CLIENT, boundary(name => 'unknown')));
ok($foreign->{facts}{W_HELO}, 'HELO and sender of different domains');
is(Scan::ours($foreign), '', 'with an ordinary text that is nothing');
$CLIENT{above} =~ s/a\.other\.example/smtp.example.net/;
ok(!$sa->check(Scan::mail(%CLIENT, boundary(name => 'unknown')))->{facts}{W_HELO}, 'of the same domain');
$CLIENT{above} =~ s/smtp\.example\.net/example.net/;
ok(!$sa->check(Scan::mail(%CLIENT, boundary(name => 'unknown')))->{facts}{W_HELO}, 'of the domain itself');
$CLIENT{above} =~ s/heloname=example/heloname=badexample/;
ok($sa->check(Scan::mail(%CLIENT, boundary(name => 'unknown')))->{facts}{W_HELO}, 'of one that only ends alike');
$CLIENT{above} =~ s/heloname=badexample\.net/heloname=friend/;
ok(!$sa->check(Scan::mail(%CLIENT, boundary(name => 'unknown')))->{facts}{W_HELO}, 'a bare HELO is no domain');
my $plain = scan(\%LINE, boundary(name => 'unknown'));
is(Scan::ours($plain), '', 'an ordinary first letter from a host without a name: left to RDNS_NONE');

my $report = scan(\%LINE, from => 'root@host.example.net', boundary(name => 'unknown'));
is(Scan::ours($report), '', 'the report of a machine, From without a name: no sign is in its text');

# ---- good records ---------------------------------------------------------------
my %home = boundary(name => '198-51-100-7.dsl.example.net', helo => 'home.example.net');
my $home = scan({ s25r => 'match', passed => 30, seen => 30 }, %home);
ok(hit($home, 'TARGREY_KNOWN_LINE') && $home->{score} < 3.5, 'a server at home that came through often');
is(Scan::ours(scan({ passed => 30, spf => 'pass' })), 'TARGREY_KNOWN', 'a known server');
ok(!hit(scan({ passed => 30, spf => 'pass', gaveup => 1 }), 'TARGREY_KNOWN'), 'not one that hangs up');
ok(!hit(scan({ passed => 30, spf => 'pass', spam => 1 }), 'TARGREY_KNOWN'), 'not one with spam on record');
ok(hit(scan({ ham => 3 }), 'TARGREY_HAM') && !hit(scan({ ham => 3, spam => 1 }), 'TARGREY_HAM'), 'good mail on record, and no spam');
ok(hit(scan({ spam => 3 }), 'TARGREY_SPAMMER') && !hit(scan({ spam => 3, ham => 1 }), 'TARGREY_SPAMMER'), 'spam on record, and no good mail');

# ---- certain enough to discard ----------------------------------------------------
my %none = boundary(name => 'unknown');
my @discard = (
    # name, facts, X-Test, more, wanted
    [ 'three families: line, behaviour, Bayes', {%LINE}, 'bayes99 bayes999', {}, 1 ],
    [ 'Bayes not quite sure, ordinary text', {%LINE}, 'bayes99', {}, 0 ],
    [ 'Bayes not quite sure, spam signs', {%LINE}, 'bayes99', {%SPAMMY}, 1 ],
    [ 'listed link and hash network', {%LINE}, 'uri hash', {}, 1 ],
    [ 'no line, but behaviour and identity', { pipe => 'yes', helo => 'ours' }, 'bayes99 bayes999', {}, 1 ],
    [ 'a listing in place of the line', { dnsbl => 'zen' }, 'uri hash', {}, 1 ],
    [ 'content and a first visit only', {}, 'bayes99 bayes999 uri hash', {}, 0 ],
    [ 'every family but content', {%WORST, ham => 0}, '', {%SPAMMY}, 0 ],
    [ 'an answer to earlier mail', {%LINE}, 'bayes99 bayes999', { headers => "References: <1\@example.jp>\n" }, 0 ],
    [ 'SPF vouches for the sender', {%LINE, spf => 'pass'}, 'bayes99 bayes999', {}, 0 ],
    [ 'the client came through before', {%LINE, passed => 1}, 'bayes99 bayes999', {}, 0 ],
    [ 'good mail on record', {%LINE, ham => 1}, 'bayes99 bayes999', {}, 0 ],
    [ 'a client seen for long without harm', {%LINE, seen => 30}, 'bayes99 bayes999', {}, 0 ],
    [ 'one seen for long, hanging up', {%LINE, seen => 30, gaveup => 4}, 'bayes99 bayes999', {}, 1 ],
    [ 'no header', undef, 'bayes99 bayes999 uri hash xbl', {%SPAMMY}, 0 ],
);
for my $case (@discard) {
	my ($name, $facts, $test, $more, $wanted) = @$case;
	my $result = scan($facts, ($facts && $facts->{rdns} // '') eq 'none' ? %none : (),
	    %$more, headers => "X-Test: $test\n" . ($more->{headers} // ''));
	is(hit($result, 'TARGREY_DISCARD_OK'), $wanted, "discard: $name");
}
my $sure = scan({%LINE, tarpit => 'endured', tarpit_secs => 125}, %none, %SPAMMY, headers => "X-Test: bayes99 bayes999 uri hash xbl\n");
cmp_ok($sure->{score}, '>=', 20, 'every proof there is: above 20');
ok(hit($sure, 'TARGREY_PATIENT'), 'outlasting the hold is no excuse');
my $copy = scan(undef, %SPAMMY, below => Scan::session(ham => 99, passed => 99, spf => 'pass'),
    headers => "X-Test: bayes99\n");
is(Scan::ours($copy), 'TARGREY_FORGED', 'a forged good record buys nothing');

done_testing;
