#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Golden messages: which header is believed, with and without the plugin.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Scan;
use Test::More;

my $LINE = Scan::session(s25r => 'match', s25r_rule => 1, helo => 'ours', early => 'yes');
my $LATER = Scan::received(helo => 'mx.example.jp', name => 'mx.example.jp',
    ip => '10.0.0.1', by => 'store.example.jp');
my $FOLDED = $LINE =~ s/; (?=s25r=|tarpit_secs=|helo=)/;\n\t/gr;
my $WIDE = $LINE =~ s/; (?=s25r=|tarpit_secs=|helo=)/;\n  /gr;
my $FORGED = Scan::session(s25r => 'match', id => 'mx.example.jp', ham => 9, passed => 9);

# name, message, facts that must hit, facts that must not
my @GOLDEN = (
	[ 'a genuine header', { above => $LINE },
	    'V1 S25R H_OURS EARLY UNPASSED LINE', 'OUTSIDE NOHDR HAM NORDNS' ],
	[ 'a header of an honest server', { above => Scan::session() },
	    'V1 UNPASSED', 'LINE S25R EARLY OUTSIDE IDENT BEHAV' ],
	[ 'no header at all', {}, 'NOHDR', 'V1 LINE STRANGER OUTSIDE' ],
	[ 'a forged copy below the boundary', { below => $FORGED },
	    'NOHDR OUTSIDE', 'V1 S25R HAM PASSED5' ],
	[ 'genuine above, forged below', { above => Scan::session(), below => $FORGED },
	    'V1 OUTSIDE UNPASSED', 'S25R HAM PASSED5' ],
	[ 'a forged copy in other spelling',
	    { above => Scan::session(), below => "x-TARGREY-session : v=1; id=a; s25r=match\n" },
	    'V1 OUTSIDE', 'S25R' ],
	[ 'a forged copy with an unknown name', { below => "X-TaRgrey-Odd: 1\n" },
	    'OUTSIDE', 'V1' ],
	[ 'a junk copy above by a broken relay: the one nearest the boundary counts',
	    { above => $FORGED . $LATER . $LINE }, 'V1 S25R H_OURS UNPASSED', 'HAM PASSED5' ],
	[ 'version 2 is not read', { above => Scan::session(v => 2, s25r => 'match') },
	    'NOHDR', 'V1 S25R' ],
	[ 'version 10 is not version 1', { above => Scan::session(v => 10, s25r => 'match') },
	    'NOHDR', 'V1 S25R' ],
	[ 'version 2 nearest the boundary hides a version 1 further up',
	    { above => $LINE . $LATER . Scan::session(v => 2) }, 'NOHDR', 'V1 S25R' ],
	[ 'cut within a word', { above => substr($LINE, 0, index($LINE, 's25r=match') + 7) . "\n" },
	    'V1', 'S25R H_OURS' ],
	[ 'cut after a word', { above => substr($LINE, 0, index($LINE, 's25r=match') + 10) . "\n" },
	    'V1 S25R', 'H_OURS' ],
	[ 'cut before id', { above => "X-TaRgrey-Session: v=1;\n" }, 'NOHDR', 'V1' ],
	[ 'an empty header', { above => "X-TaRgrey-Session:\n" }, 'NOHDR', 'V1' ],
	[ 'folded by a relay, tabs', { above => $FOLDED }, 'V1 S25R H_OURS EARLY', 'OUTSIDE' ],
	[ 'folded by a relay, two blanks', { above => $WIDE }, 'V1 S25R H_OURS EARLY', 'OUTSIDE' ],
	[ 'the same header twice', { above => $LINE . $LINE }, 'V1 S25R H_OURS EARLY', 'OUTSIDE' ],
	[ 'a key within a value is no key',
	    { above => Scan::session(local => 'a,s25r=match'), }, 'V1', 'S25R' ],
	[ 'a key within the host name of the client is no key',
	    { above => Scan::session() . "X-TaRgrey-Client: v=1; ip=198.51.100.7; name=x; s25r=match\n" },
	    'V1', 'S25R' ],
	[ 'odd bytes in one value leave the others readable',
	    { above => Scan::session(sid => "\xff\x01\xe3\x81", s25r => 'match') },
	    'V1 S25R', 'OUTSIDE' ],
	[ 'unknown keys and words are passed over',
	    { above => Scan::session(s25r => 'match', rdns => 'purple', zeta => 'new,key') },
	    'V1 S25R', 'NORDNS MISMATCH' ],
	[ 'numbers that are none', { above => Scan::session(ham => '-3', passed => '5x', seen => '1e9') },
	    'V1', 'HAM HAM3 PASSED5 UNPASSED SEEN30' ],
	[ 'numbers at the edge', { above => Scan::session(ham => 3, passed => 5, seen => 30, spam => 10, tarpit_secs => 60) },
	    'V1 HAM HAM3 PASSED5 SEEN30 SPAM3 ENDURED', 'UNPASSED' ],
	[ 'numbers below the edge', { above => Scan::session(ham => 2, passed => 4, seen => 29, spam => 2, tarpit_secs => 59) },
	    'V1 HAM SPAM', 'HAM3 PASSED5 SEEN30 SPAM3 ENDURED UNPASSED' ],
	[ 'a list that knows the client', { above => Scan::session(dnsbl => 'zen,psbl') }, 'V1 DNSBL', '' ],
	[ 'a list that does not', { above => Scan::session(dnsbl => 'none') }, 'V1', 'DNSBL' ],
	[ 'no Received at all: counts as our own', { above => $LINE, boundary => '' },
	    'V1 S25R', 'OUTSIDE' ],
	[ 'internal hops above the boundary', { above => $LATER . $LINE }, 'V1 S25R', 'OUTSIDE' ],
	[ 'internal hops, header above the last only: believed, as it is ours',
	    { above => $LINE . $LATER }, 'V1 S25R', 'OUTSIDE' ],
	[ 'a sender behind an internal-looking forged hop',
	    { above => Scan::session(), below => Scan::received(ip => '10.0.0.9', by => 'mx.example.jp') . $FORGED },
	    'V1 OUTSIDE', 'S25R HAM' ],
	[ 'HELO that looks like our header',
	    { above => Scan::session(), boundary => Scan::received(helo => 'x;s25r=match') },
	    'V1', 'S25R' ],
);

plan tests => 4 * @GOLDEN;
my @scanner = map { Scan->new(plugin => $_, cf => "internal_networks 10.0.0.0/8\n") } 0, 1;

for my $golden (@GOLDEN) {
	my ($name, $parts, $yes, $no) = @$golden;
	my @seen;
	for my $with (0, 1) {
		my $result = $scanner[$with]->check(Scan::mail(%$parts));
		my $facts = $result->{facts};
		my @wrong = ((map { "no $_" } grep { !$facts->{$_} } split ' ', $yes),
		    grep { $facts->{$_} } split ' ', $no);
		is("@wrong", '', "$name, " . ($with ? 'plugin' : 'plain'));
		push @seen, Scan::ours($result) . ' | ' . join ' ', sort keys %$facts;
		is($result->{internal} =~ /^X-TaRgrey-Session: v=1; id=a;/m ? 1 : 0, 0,
		    "$name: no forged line among ours") if !$with;
	}
	is($seen[1], $seen[0], "$name: same hits with and without plugin");
}
