# SPDX-License-Identifier: BSD-2-Clause
package Cases;
#
# Messages and what the rules must say of each: the scored rules that hit, all
# of them, and sub-rules that must hit (is) or must not (not). rules.t asks
# SpamAssassin; mutants shows that a rule that is changed is noticed here.
use strict;
use warnings;
use Scan;

# Rules whose answer comes from Bayes, the network or a whole forged message
# hit on a word in X-Test. The scores let rules of other score sets hit.
our $STANDINS = join '', "freemail_domains freemail.example\n", map {
	my ($word, $name) = @$_;
	"header $name X-Test =~ /\\b$word\\b/\nscore $name 0.1\n";
} (
    [ bayes95 => 'BAYES_95' ], [ bayes99 => 'BAYES_99' ], [ bayes999 => 'BAYES_999' ],
    [ uri => 'URIBL_BLACK' ], [ hash => 'RAZOR2_CHECK' ], [ xbl => 'RCVD_IN_XBL' ],
    [ mua => 'FORGED_MUA_EUDORA' ], [ way => 'FORGED_YAHOO_RCVD' ], [ mimeole => 'MISSING_MIMEOLE' ],
    [ longago => 'DATE_IN_PAST_96_XX' ], [ ahead => 'DATE_IN_FUTURE_06_12' ], [ rcpts => 'SUSPICIOUS_RECIPS' ],
    [ hide => 'FUZZY_CREDIT' ], [ image => 'HTML_SHORT_CENTER' ], [ reply => 'FREEMAIL_REPLY' ],
);

my %NONE = (s25r => 'match', s25r_rule => 0, rdns => 'none');
my %S25R = (s25r => 'match', s25r_rule => 1);
my %AT_NONE = (boundary => Scan::received(name => 'unknown'));
my %AT_S25R = (boundary => Scan::received(name => 'p7x9.example.net', helo => 'p7x9.example.net'));
my %AT_DYN = (boundary => Scan::received(name => '198-51-100-7.dsl.example.net',
    helo => '198-51-100-7.dsl.example.net'));
# Signs: a word of selling, a shouting subject; four with the drugs.
my %TWO = (subject => 'Look at this!!', body => "Act now, and save over \$50.\n");
my %ONE = (body => "Act now, and save over \$50.\n");
my %FOUR = (subject => 'Look at this!!', body => "Act now: cheap viagra for you.\n");
my %THREE = (subject => 'Look at this!!', body => "Act now. We offer guest posts.\n");
my $OUTLOOK = "X-Mailer: Microsoft Outlook 16.0\n";
my $HOPS = Scan::received(ip => '203.0.113.7', name => 'mail.author.example', by => 'mx.other.example')
    . Scan::received(ip => '203.0.113.8', name => 'pc.author.example', by => 'mail.author.example');

# [ name, session facts or undef, message, rules that hit, is, not ]
our @CASES = (
    # the trusted header
    [ 'an honest server', {}, {}, '', 'V1 UNPASSED NOREPLY DIRECTED STRANGER CLEAN COUNTED',
	'FWD_HEAD PC_MAILER FORGED_MUA FORGED_WAY NOHDR S25R NORDNS MISMATCH EARLY PIPE GAVEUP GAVEUP3 HARVEST ENDURED OBSERVE BY_LIST AGE3 SEEN2'
	. ' SEEN30 PASSED5 PASSED100 SPAM SPAM3 SPAM10 HAM HAM3 HAM30 HAM100 H_OURS H_LOCAL H_BARE H_IP'
	. ' H_MISSING FROM_OURS FROM_SELF FROM_NODNS SPF_PASS SPF_BAD REMOVED DNSBL OUTSIDE LINE NONAME'
	. ' SURE_LINE BEHAV BEHAV_N HELO_ODD FROM_ODD IDENT IDENT_ANY AGED PROVEN STEADY ODD LISTED SHOWN'
	. ' NET_SPAM3 NET_SPAM30 NET_HAM NET_HAM3 ORG_SPAM ORG_SPAM3 ORG_SPAM30 ORG_HAM ORG_HAM3 ORG_HAM10 ORG_KNOWN NEW NEW_ALL3 NEW_ALL4 ORG_GOOD BAD'
	. ' C_SURE C2 C_URI C_HASH FORWARDED LIST_HEAD STK_LINE STK_HELO SIGNS_N SIGNS1 TEXT_N FREE_LINE' ],
    [ 'no header', undef, {}, '', 'NOHDR', 'V1 STRANGER LINE UNPASSED' ],
    [ 'no header, spam', undef, { %FOUR, %AT_NONE }, '', 'SIGNS_N W_DRUGS', 'SIGNS1 STRANGER' ],

    # line
    [ 'a machine-made name', {%S25R}, {%AT_S25R}, 'TARGREY_S25R', 'S25R LINE', 'SURE_LINE NONAME STK_LINE' ],
    [ 'a name stock rules know', {%S25R}, {%AT_DYN}, '', 'S25R LINE SURE_LINE STK_LINE', 'NONAME' ],
    [ 'no name', {%NONE}, {%AT_NONE}, '', 'NORDNS NONAME LINE SURE_LINE', 'MISMATCH' ],
    [ 'a name that does not lead back', { %NONE, rdns => 'mismatch' }, {%AT_NONE}, 'TARGREY_MISMATCH',
	'MISMATCH NONAME LINE SURE_LINE', 'NORDNS' ],
    [ 'an unconfirmed name that stock rules do not see', { rdns => 'none' }, {}, '', 'NONAME SURE_LINE LINE', 'STK_LINE' ],

    # behaviour
    [ 'came early', { early => 'yes' }, {}, 'TARGREY_BEHAV', 'EARLY BEHAV BEHAV_N ODD', 'PIPE' ],
    [ 'talked ahead', { pipe => 'yes' }, {}, 'TARGREY_BEHAV', 'PIPE BEHAV', 'EARLY' ],
    [ 'hung up and never came through', { gaveup => 1 }, {}, 'TARGREY_BEHAV', 'GAVEUP BEHAV', 'GAVEUP3' ],
    [ 'hung up, but came through', { gaveup => 2, passed => 1 }, {}, '', 'GAVEUP', 'BEHAV UNPASSED STRANGER' ],
    [ 'tried unknown users', { rcpt_refused => 3 }, {}, 'TARGREY_BEHAV', 'HARVEST BEHAV', '' ],
    [ 'two unknown users are an accident', { rcpt_refused => 2 }, {}, '', '', 'HARVEST BEHAV' ],
    [ 'two slips', { early => 'yes', pipe => 'yes' }, {}, 'TARGREY_BEHAV TARGREY_BEHAV2', '', '' ],
    [ 'two slips, the name is scored by stock rules', { %NONE, early => 'yes', pipe => 'yes' }, {%AT_NONE},
	'TARGREY_BEHAV', '', '' ],
    [ 'a PC speaks to the MX', {%NONE}, { %AT_NONE, headers => $OUTLOOK }, '', 'PC_MAILER PC_DIRECT SIGNS1', 'RCVD2 SIGNS2' ],
    [ 'a PC that stock rules do not see', {%NONE}, { %AT_NONE, headers => "X-Mailer: The Bat! (v9.1.8)\n" }, '', 'PC_DIRECT', '' ],
    [ 'a PC behind its server', {%NONE}, { %AT_NONE, headers => $OUTLOOK, below => $HOPS }, '', 'PC_MAILER RCVD2', 'PC_DIRECT' ],
    [ 'a PC at an honest name', {}, { headers => $OUTLOOK }, '', 'PC_MAILER', 'PC_DIRECT' ],
    [ 'a PC that came through before', { %NONE, passed => 1 }, { %AT_NONE, headers => $OUTLOOK }, '', '', 'PC_DIRECT' ],

    # identity
    [ 'our name as HELO', { helo => 'ours' }, {}, 'TARGREY_HELO_OURS TARGREY_IDENT', 'H_OURS HELO_ODD IDENT IDENT_ANY ODD', '' ],
    [ 'localhost', { helo => 'localhost' }, {}, 'TARGREY_IDENT', 'H_LOCAL HELO_ODD', '' ],
    [ 'an address', { helo => 'ip' }, {}, 'TARGREY_IDENT', 'H_IP HELO_ODD', '' ],
    [ 'no HELO', { helo => 'missing' }, {}, 'TARGREY_IDENT', 'H_MISSING HELO_ODD', '' ],
    [ 'a bare HELO', { helo => 'bare' }, {}, 'TARGREY_IDENT', 'H_BARE HELO_ODD', 'STK_HELO' ],
    [ 'an odd HELO that stock rules score', { helo => 'ours' }, { boundary => Scan::received(helo => 'friend') }, '', 'STK_HELO H_OURS', '' ],
    [ 'a sender without DNS', { from => 'nodns' }, {}, 'TARGREY_IDENT', 'FROM_NODNS FROM_ODD IDENT', '' ],
    [ 'our domain from a good name', { from => 'ours' }, {}, '', 'FROM_OURS', 'FROM_ODD' ],
    [ 'our domain from no name', { %NONE, from => 'ours' }, {%AT_NONE}, 'TARGREY_IDENT', 'FROM_OURS FROM_ODD', '' ],
    [ 'oneself from no name', { %NONE, from => 'self' }, {%AT_NONE}, 'TARGREY_IDENT', 'FROM_SELF FROM_ODD', '' ],
    [ 'oneself from no name, SPF vouches', { %NONE, from => 'self', spf => 'pass' }, {%AT_NONE}, '', 'FROM_SELF SPF_PASS', 'FROM_ODD' ],
    [ 'our domain from a machine-made name only', { %S25R, from => 'ours' }, {%AT_S25R}, 'TARGREY_S25R', '', 'FROM_ODD' ],
    [ 'SPF fails at a line', { %NONE, spf => 'fail' }, {%AT_NONE}, 'TARGREY_LINE_SPF', 'SPF_BAD SPF_FALSE IDENT IDENT_ANY', '' ],
    [ 'softfail at a line', { %NONE, spf => 'softfail' }, {%AT_NONE}, 'TARGREY_LINE_SPF', 'SPF_BAD SPF_FALSE', '' ],
    [ 'SPF fails at a good name', { spf => 'fail' }, {}, '', 'SPF_FALSE IDENT ODD', 'LINE' ],
    [ 'neutral is no failure', { %NONE, spf => 'neutral' }, {%AT_NONE}, '', '', 'SPF_BAD SPF_FALSE' ],
    [ 'name, behaviour and claims', { %S25R, early => 'yes', helo => 'ip' }, {%AT_S25R},
	'TARGREY_AGREE TARGREY_BEHAV TARGREY_IDENT TARGREY_S25R', '', '' ],
    [ 'name and claims', { %S25R, helo => 'ip' }, {%AT_S25R}, 'TARGREY_IDENT TARGREY_S25R', '', '' ],
    [ 'name and behaviour', { %S25R, early => 'yes' }, {%AT_S25R}, 'TARGREY_BEHAV TARGREY_S25R', '', '' ],
    [ 'the same at a name that stock rules score', { %NONE, early => 'yes', helo => 'ip' }, {%AT_NONE},
	'TARGREY_BEHAV TARGREY_IDENT', '', '' ],
    [ 'the same with a HELO that stock rules score', { %S25R, early => 'yes', helo => 'bare' },
	{ boundary => Scan::received(name => 'p7x9.example.net', helo => 'friend') }, 'TARGREY_BEHAV TARGREY_S25R', 'STK_HELO', '' ],
    [ 'a free mailer from no name', {%NONE}, { %AT_NONE, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>' },
	'TARGREY_SURE_SIGNS2', 'ENV_FROM FREE_LINE IDENT_ANY SIGNS2', 'SIGNS3' ],
    [ 'a free mailer from a dynamic line', {%S25R}, { %AT_DYN, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>' },
	'TARGREY_SURE_SIGNS2', 'FREE_LINE', '' ],
    [ 'a free mailer from a machine-made name', {%S25R}, { %AT_S25R, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>' },
	'TARGREY_S25R', 'ENV_FROM', 'FREE_LINE' ],
    [ 'a free mailer from a dynamic name that is no line', {}, { %AT_DYN, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>' },
	'', 'ENV_FROM STK_LINE', 'FREE_LINE LINE' ],
    [ 'a visitor of a web form', {%NONE}, { %AT_NONE, env => 'www@web.example', from => 'A B <a.b@freemail.example>' }, '', '', 'ENV_FROM FREE_LINE' ],
    [ 'a free mailer from no name, SPF vouches', { %NONE, spf => 'pass' }, { %AT_NONE, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>' }, '', 'ENV_FROM', 'FREE_LINE' ],
    [ 'a free mailer, forwarded', {%NONE}, { %AT_NONE, env => 'a.b@freemail.example', from => 'A B <a.b@freemail.example>', below => "Delivered-To: you\@old.example\n" },
	'', 'ENV_FROM FWD_HEAD FORWARDED', 'FREE_LINE DIRECTED' ],
    [ 'a forged mail program', {%NONE}, { %AT_NONE, headers => "X-Test: mua\n" }, 'TARGREY_SURE_SIGNS2', 'FORGED_MUA IDENT_ANY', 'IDENT SIGNS3' ],
    [ 'a forged way', {%NONE}, { %AT_NONE, headers => "X-Test: way\n" }, 'TARGREY_SURE_SIGNS2', 'FORGED_WAY IDENT_ANY', 'IDENT SIGNS3' ],
    [ 'a forged way at a good name is odd', {}, { headers => "X-Test: way\n" }, 'TARGREY_ODD_SIGNS', 'ODD FORGED_WAY', '' ],
    [ 'a forged header', { forged => 1 }, {}, 'TARGREY_FORGED', 'REMOVED', 'OUTSIDE' ],
    [ 'a forged header below', {}, { below => Scan::session(ham => 9) }, 'TARGREY_FORGED', 'OUTSIDE', 'REMOVED HAM' ],

    # forwarded mail and lists
    [ 'several hops, SPF fails', { %NONE, spf => 'fail' }, { %AT_NONE, below => $HOPS }, '', 'RCVD3 HOP_IN FWD_HOPS FORWARDED', 'SPF_FALSE IDENT DIRECTED' ],
    [ 'one hop is none', { %NONE, spf => 'fail' }, { %AT_NONE, below => Scan::received(ip => '203.0.113.7', name => 'mail.author.example') },
	'TARGREY_LINE_SPF', 'HOP_IN SPF_FALSE', 'RCVD3 FWD_HOPS FORWARDED' ],
    [ 'hops within the sender\'s net', { %NONE, spf => 'fail' }, { %AT_NONE, below => Scan::received(ip => '192.168.1.5', name => 'pc.lan') x 2 },
	'TARGREY_LINE_SPF', 'RCVD3', 'HOP_IN FWD_HOPS FORWARDED' ],
    [ 'the hop before was for another address', { %NONE, spf => 'softfail' }, { %AT_NONE, below => "Received: from a.example by mx.old.example for <you\@old.example>; Mon, 05 Jan 2026 09:59:00 +0000\n" },
	'', 'FWD_FOR FORWARDED', 'SPF_FALSE FWD_HOPS' ],
    [ 'the hop before was for the same address', { %NONE, spf => 'softfail' }, { %AT_NONE, below => "Received: from a.example by mx.old.example for <you\@example.jp>; Mon, 05 Jan 2026 09:59:00 +0000\n" },
	'TARGREY_LINE_SPF', '', 'FWD_FOR FORWARDED' ],
    [ 'SRS', { %NONE, spf => 'softfail' }, { %AT_NONE, env => 'SRS0=x=y=author.example=a@fwd.example' }, '', 'FWD_SRS FORWARDED', '' ],
    [ 'VERP is no SRS', { %NONE, spf => 'softfail' }, { %AT_NONE, env => 'bounce+srs0=a@news.example' }, 'TARGREY_LINE_SPF', '', 'FWD_SRS FORWARDED' ],
    [ 'a forwarder\'s name', { %S25R, spf => 'fail' }, { boundary => Scan::received(name => 'mailforward7.example.net') }, 'TARGREY_S25R', 'FWD_NAME FORWARDED', '' ],
    [ 'a name that only a HELO claims', { %S25R, spf => 'fail' }, { boundary => Scan::received(name => 'p7x9.example.net', helo => 'mailforward7.example.net') },
	'TARGREY_LINE_SPF TARGREY_S25R', '', 'FWD_NAME FORWARDED' ],
    [ 'a list', { %NONE, spf => 'fail' }, { %AT_NONE, below => "List-Id: <a.example>\n" }, '', 'LIST_HEAD', 'DIRECTED SPF_FALSE FORWARDED' ],
    [ 'a newsletter is no list', { %NONE, spf => 'fail' }, { %AT_NONE, below => "List-Unsubscribe: <mailto:a\@b.example>\n" }, 'TARGREY_LINE_SPF', 'DIRECTED', 'LIST_HEAD' ],

    # records
    [ 'known', { passed => 5, seen => 5, spf => 'pass' }, {}, 'TARGREY_KNOWN', 'PASSED5 STEADY PROVEN', 'STRANGER' ],
    [ 'four successes', { passed => 4, seen => 4, spf => 'pass' }, {}, '', '', 'PASSED5 STEADY' ],
    [ 'known line', { %S25R, passed => 5 }, {%AT_DYN}, 'TARGREY_KNOWN_LINE', 'STEADY', '' ],
    [ 'known, but no line and no SPF', { passed => 5 }, {}, '', 'STEADY', '' ],
    [ 'known line, one spam', { %S25R, passed => 5, spam => 1 }, {%AT_DYN}, '', 'SPAM', 'CLEAN STEADY SPAM3' ],
    [ 'a busy server, two spams', { %S25R, passed => 100, spam => 2, spf => 'pass' }, {%AT_DYN}, 'TARGREY_KNOWN TARGREY_KNOWN_LINE', 'PASSED100 CLEAN STEADY', 'SPAM3' ],
    [ 'a busy server, three spams', { %S25R, passed => 100, spam => 3, spf => 'pass' }, {%AT_DYN}, '', 'SPAM3', 'CLEAN STEADY' ],
    [ 'hang-ups', { passed => 9, gaveup => 3, spf => 'pass' }, {}, '', 'GAVEUP3', 'STEADY' ],
    [ 'two hang-ups', { passed => 9, gaveup => 2, spf => 'pass' }, {}, 'TARGREY_KNOWN', 'STEADY', 'GAVEUP3' ],
    [ 'hang-ups of a busy server', { passed => 100, gaveup => 9, spf => 'pass' }, {}, 'TARGREY_KNOWN', 'STEADY', '' ],
    [ 'good mail', { ham => 3 }, {}, 'TARGREY_HAM', 'HAM HAM3 PROVEN', 'STRANGER HAM30' ],
    [ 'two good mails', { ham => 2 }, {}, '', 'HAM', 'HAM3' ],
    [ 'good mail, one spam', { ham => 29, spam => 1 }, {}, '', '', 'CLEAN HAM30' ],
    [ 'more good mail, two spams', { ham => 30, spam => 2 }, {}, 'TARGREY_HAM', 'HAM30 CLEAN', 'SPAM3' ],
    [ 'more good mail, three spams', { ham => 99, spam => 3 }, {}, '', '', 'CLEAN HAM100' ],
    [ 'much good mail, nine spams', { ham => 100, spam => 9 }, {}, 'TARGREY_HAM', 'HAM100 CLEAN SPAM3', 'SPAM10' ],
    [ 'much good mail, ten spams', { ham => 100, spam => 10 }, {}, '', 'SPAM10', 'CLEAN' ],
    [ 'spam', { spam => 3 }, {}, 'TARGREY_SPAMMER', 'SPAM3', '' ],
    [ 'spam, at a name that stock rules score', { %NONE, spam => 3 }, {%AT_NONE}, '', '', '' ],
    [ 'spam and good mail', { spam => 3, ham => 1 }, {}, '', '', '' ],
    [ 'seen for long', { seen => 30 }, {}, '', 'SEEN30 SEEN2 PROVEN', 'STRANGER AGED' ],
    [ 'seen for long, hanging up', { seen => 30, gaveup => 1 }, {}, 'TARGREY_BEHAV', 'STRANGER', 'PROVEN' ],
    [ 'a server known for three days', { age => 3, seen => 2 }, {}, '', 'AGE3 SEEN2 AGED PROVEN', 'STRANGER' ],
    [ 'a line known for three days, held', { %NONE, age => 3, seen => 2 }, {%AT_NONE}, '', 'STRANGER', 'AGED' ],
    [ 'a line known for three days, observed', { %NONE, age => 3, seen => 2, mode => 'observe' }, {%AT_NONE}, '', 'OBSERVE AGED PROVEN', 'STRANGER' ],
    [ 'two days', { age => 2, seen => 2, mode => 'observe' }, {}, '', 'STRANGER', 'AGE3 AGED' ],
    [ 'seen once before', { age => 3, seen => 1, mode => 'observe' }, {}, '', 'STRANGER', 'SEEN2 AGED' ],
    [ 'known for three days, spam', { age => 3, seen => 2, spam => 1, mode => 'observe' }, {}, '', 'STRANGER', 'AGED' ],
    [ 'known for three days, hanging up', { age => 3, seen => 2, gaveup => 1, mode => 'observe' }, {}, 'TARGREY_BEHAV', 'STRANGER', 'AGED' ],

    # records of the network and the organisation
    [ 'three spams of its network', { net_ham => 0, net_spam => 3 }, {}, 'TARGREY_NET_BAD', 'NET_SPAM3 NET_BAD BAD', 'NET_HAM NET_SPAM30 ORG_BAD SPAMMER' ],
    [ 'two', { net_ham => 0, net_spam => 2 }, {}, '', '', 'NET_SPAM3 NET_BAD BAD' ],
    [ 'spam and a good mail of its network', { net_ham => 1, net_spam => 29 }, {}, '', 'NET_HAM NET_SPAM3', 'NET_BAD NET_HAM3 NET_SPAM30' ],
    [ 'much spam and two good mails of its network', { net_ham => 2, net_spam => 30 }, {}, 'TARGREY_NET_BAD', 'NET_SPAM30 NET_BAD', 'NET_HAM3' ],
    [ 'much spam and three good mails of its network', { net_ham => 3, net_spam => 30 }, {}, '', 'NET_HAM3', 'NET_BAD' ],
    [ 'three spams of its organisation', { org_ham => 0, org_spam => 3 }, {}, 'TARGREY_ORG_BAD', 'ORG_KNOWN ORG_SPAM ORG_SPAM3 ORG_BAD BAD', 'ORG_HAM ORG_SPAM30 NET_BAD' ],
    [ 'two of its organisation', { org_ham => 0, org_spam => 2 }, {}, '', 'ORG_SPAM', 'ORG_SPAM3 ORG_BAD' ],
    [ 'spam and a good mail of its organisation', { org_ham => 1, org_spam => 29 }, {}, '', 'ORG_HAM ORG_SPAM3', 'ORG_BAD ORG_HAM3 ORG_SPAM30' ],
    [ 'much spam and two good mails of its organisation', { org_ham => 2, org_spam => 30 }, {}, 'TARGREY_ORG_BAD', 'ORG_SPAM30', 'ORG_HAM3' ],
    [ 'much spam and three good mails of its organisation', { org_ham => 3, org_spam => 30 }, {}, '', 'ORG_HAM3', 'ORG_BAD ORG_HAM10' ],
    [ 'network and organisation count once', { net_spam => 3, org_spam => 3 }, {}, 'TARGREY_NET_BAD', 'NET_BAD ORG_BAD', '' ],
    [ 'address and network count once', { spam => 3, net_spam => 3 }, {}, 'TARGREY_SPAMMER', 'SPAMMER NET_BAD', '' ],
    [ 'address and organisation count once', { spam => 3, org_spam => 3 }, {}, 'TARGREY_SPAMMER', 'SPAMMER ORG_BAD', '' ],
    [ 'a bad network and a sign', { net_spam => 3 }, {%ONE}, 'TARGREY_BAD_SIGNS TARGREY_NET_BAD', '', '' ],
    [ 'a bad network and two signs', { net_spam => 3 }, {%TWO}, 'TARGREY_BAD_SIGNS TARGREY_BAD_SIGNS2 TARGREY_NET_BAD', '', '' ],
    [ 'a bad network and two signs, SPF vouches: a newsletter', { net_spam => 3, spf => 'pass' }, {%TWO}, 'TARGREY_BAD_SIGNS TARGREY_NET_BAD', '', '' ],
    [ 'a bad organisation and two signs, SPF vouches', { org_spam => 3, spf => 'pass' }, {%TWO}, 'TARGREY_BAD_SIGNS TARGREY_BAD_SIGNS2 TARGREY_ORG_BAD', '', '' ],
    [ 'a bad address and two signs, SPF vouches', { spam => 3, spf => 'pass' }, {%TWO}, 'TARGREY_BAD_SIGNS TARGREY_BAD_SIGNS2 TARGREY_SPAMMER', '', '' ],
    [ 'a bad organisation and a sign', { org_spam => 3 }, {%ONE}, 'TARGREY_BAD_SIGNS TARGREY_ORG_BAD', '', '' ],
    [ 'a bad address and a sign', { spam => 3 }, {%ONE}, 'TARGREY_BAD_SIGNS TARGREY_SPAMMER', '', '' ],
    [ 'a bad network, an answer', { net_spam => 3 }, { %TWO, headers => "In-Reply-To: <1\@example.jp>\n" }, 'TARGREY_NET_BAD', '', 'SIGNS1' ],
    [ 'a bad network, came through before', { net_spam => 3, passed => 1 }, { %TWO, headers => "X-Test: bayes99\n" }, 'TARGREY_NET_BAD', '', 'STRANGER' ],
    [ 'a bad network, a hold endured', { net_spam => 3, tarpit_secs => 125 }, { %TWO, headers => "X-Test: bayes99\n" }, 'TARGREY_NET_BAD', 'ENDURED', '' ],
    [ 'a bad network and Bayes', { net_spam => 3 }, { headers => "X-Test: bayes99\n" }, 'TARGREY_BAD_BAYES TARGREY_NET_BAD', '', '' ],
    [ 'no record and Bayes', {}, { headers => "X-Test: bayes99\n" }, '', '', 'BAD' ],
    [ 'ten good mails of its organisation', { org_ham => 10, org_spam => 0 }, {}, 'TARGREY_ORG_GOOD', 'ORG_HAM10 ORG_GOOD', 'ORG_SPAM STEADY' ],
    [ 'nine', { org_ham => 9 }, {}, '', 'ORG_HAM3', 'ORG_HAM10 ORG_GOOD' ],
    [ 'ten good mails and a spam of its organisation', { org_ham => 10, org_spam => 1 }, {}, '', 'ORG_HAM10 ORG_SPAM', 'ORG_GOOD' ],
    [ 'a good organisation, a spam of the address', { org_ham => 10, spam => 1 }, {}, '', 'ORG_HAM10', 'ORG_GOOD' ],
    [ 'a good organisation and address count once', { org_ham => 10, ham => 3 }, {}, 'TARGREY_HAM', 'ORG_GOOD', '' ],
    [ 'a good organisation and a known address count once', { org_ham => 10, passed => 5, spf => 'pass' }, {}, 'TARGREY_KNOWN', 'ORG_GOOD', '' ],
    [ 'a good organisation, known without SPF', { org_ham => 10, passed => 5 }, {}, 'TARGREY_ORG_GOOD', 'STEADY', '' ],
    [ 'a good organisation, SPF passes', { org_ham => 10, passed => 4, spf => 'pass' }, {}, 'TARGREY_ORG_GOOD', '', 'STEADY' ],
    [ 'all of it new, and a sign', { new => 'address,network,organisation,sender', org_ham => 0 }, {%ONE}, 'TARGREY_NEW', 'NEW_ALL4 NEW', 'NEW_ALL3' ],
    [ 'all of it new', { new => 'address,network,organisation,sender', org_ham => 0 }, {}, '', 'NEW', '' ],
    [ 'all of it new, without an organisation', { new => 'address,network,sender' }, {%ONE}, 'TARGREY_NEW', 'NEW_ALL3 NEW', 'NEW_ALL4 ORG_KNOWN' ],
    [ 'a new client of a known organisation', { new => 'address,network,sender', org_ham => 0 }, {%ONE}, '', 'NEW_ALL3 ORG_KNOWN', 'NEW' ],
    [ 'a new client of a known sender', { new => 'address,network' }, {%ONE}, '', '', 'NEW' ],

    # clients of the allow list
    [ 'a listed farm: its record is that of others', { why => 'listed', net_spam => 99, org_spam => 99, org_ham => 2 }, {%ONE}, '', 'NET_SPAM30 ORG_SPAM30', 'NET_BAD ORG_BAD BAD' ],
    [ 'a listed farm: its good record, too', { why => 'listed', org_ham => 99 }, {}, '', 'ORG_HAM10', 'ORG_GOOD' ],
    [ 'a listed farm: its name is nothing', { %NONE, why => 'listed' }, {%AT_NONE}, '', 'BY_LIST STRANGER', 'LINE NONAME SURE_LINE' ],
    [ 'a listed farm with a machine-made name', { %S25R, why => 'listed' }, {%AT_S25R}, '', 'BY_LIST S25R', 'LINE SURE_LINE' ],
    [ 'a listed farm: its successes are those of others', { why => 'listed', passed => 500, ham => 500, spf => 'pass' }, {}, '', 'STRANGER PROVEN', 'STEADY' ],
    [ 'a listed farm: HELO', { why => 'listed', helo => 'ip' }, {}, 'TARGREY_IDENT', 'ODD', '' ],
    [ 'a listed farm: content', { %S25R, why => 'listed', passed => 500 }, { %THREE, %AT_S25R }, 'TARGREY_NEW_SIGNS', 'SIGNS3', 'LINE' ],
    [ 'a listed farm: SPF fails, and content', { why => 'listed', passed => 500, spf => 'fail' }, {%TWO}, 'TARGREY_ODD_SIGNS', 'SPF_FALSE', '' ],

    # signs
    [ 'one sign', {%NONE}, { %ONE, %AT_NONE }, '', 'SELL W_SELL SIGNS1 TEXT_N', 'SIGNS2 W_SUBJ' ],
    [ 'two', {%NONE}, { %TWO, %AT_NONE }, 'TARGREY_SURE_SIGNS2', 'SHOUT W_SUBJ SIGNS2', 'SIGNS3' ],
    [ 'three', {%NONE}, { %THREE, %AT_NONE }, 'TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3', 'OFFER SIGNS3', 'SIGNS4' ],
    [ 'four', {%NONE}, { %FOUR, %AT_NONE }, 'TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4', 'DRUGS W_DRUGS SIGNS4', '' ],
    [ 'two, machine-made name', {%S25R}, { %TWO, %AT_S25R }, 'TARGREY_LINE_SIGNS2 TARGREY_S25R', '', 'SURE_LINE' ],
    [ 'three, machine-made name', {%S25R}, { %THREE, %AT_S25R }, 'TARGREY_LINE_SIGNS2 TARGREY_LINE_SIGNS3 TARGREY_S25R', '', '' ],
    [ 'four, machine-made name', {%S25R}, { %FOUR, %AT_S25R }, 'TARGREY_LINE_SIGNS2 TARGREY_LINE_SIGNS3 TARGREY_S25R', 'SIGNS4', '' ],
    [ 'two, machine-made name, SPF vouches: a newsletter', { %S25R, spf => 'pass' }, { %TWO, %AT_S25R }, 'TARGREY_S25R', 'SIGNS2', '' ],
    [ 'three, machine-made name, SPF vouches', { %S25R, spf => 'pass' }, { %THREE, %AT_S25R }, 'TARGREY_LINE_SIGNS3 TARGREY_S25R', '', '' ],
    [ 'two, good name', {}, {%TWO}, '', 'SIGNS2', 'LINE ODD' ],
    [ 'three, good name', {}, {%THREE}, 'TARGREY_NEW_SIGNS', '', '' ],
    [ 'three, good name, odd', { early => 'yes' }, {%THREE}, 'TARGREY_BEHAV TARGREY_ODD_SIGNS', '', '' ],
    [ 'four in an answer', {%NONE}, { %FOUR, %AT_NONE, headers => "In-Reply-To: <1\@example.jp>\n" }, '', 'IRT SIGNS_N', 'NOREPLY SIGNS1 REF' ],
    [ 'four in a thread', {%NONE}, { %FOUR, %AT_NONE, headers => "References: <1\@example.jp>\n" }, '', 'REF', 'NOREPLY SIGNS1 IRT' ],
    [ 'four, the client came through before', { %NONE, passed => 1 }, { %FOUR, %AT_NONE }, '', 'SIGNS_N', 'STRANGER SIGNS1' ],
    [ 'four, good mail on record', { %NONE, ham => 1 }, { %FOUR, %AT_NONE }, '', 'PROVEN', 'SIGNS1' ],
    [ 'four, a hold endured: half', { %NONE, tarpit => 'endured', tarpit_secs => 60 }, { %FOUR, %AT_NONE }, 'TARGREY_HALF_SIGNS', 'ENDURED SIGNS2_HALF', 'COUNTED SIGNS2' ],
    [ 'two, a hold endured', { %NONE, tarpit => 'endured', tarpit_secs => 60 }, { %TWO, %AT_NONE }, 'TARGREY_HALF_SIGNS', '', '' ],
    [ 'two, a hold endured, SPF vouches', { %S25R, spf => 'pass', tarpit => 'endured', tarpit_secs => 60 }, { %TWO, %AT_S25R }, 'TARGREY_S25R', 'SIGNS2_HALF', '' ],
    [ 'one, a hold endured', { %NONE, tarpit => 'endured', tarpit_secs => 60 }, { %ONE, %AT_NONE }, '', 'ENDURED', 'SIGNS2_HALF' ],
    [ 'four, a hold endured by no line', { tarpit => 'endured', tarpit_secs => 60 }, {%FOUR}, '', 'SIGNS2_HALF', 'LINE' ],
    [ 'four, endured, came through before', { %NONE, tarpit => 'endured', tarpit_secs => 60, passed => 1 }, { %FOUR, %AT_NONE }, '', '', 'SIGNS2_HALF' ],
    [ 'four, endured, an answer', { %NONE, tarpit => 'endured', tarpit_secs => 60 }, { %FOUR, %AT_NONE, headers => "References: <1\@example.jp>\n" }, '', '', 'SIGNS2_HALF' ],
    [ 'four, a short hold', { %NONE, tarpit => 'shed', tarpit_secs => 59 }, { %FOUR, %AT_NONE }, 'TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4', '', 'ENDURED' ],
    [ 'four, a line known for days, observed: no stranger', { %NONE, age => 9, seen => 9, mode => 'observe' }, { %FOUR, %AT_NONE, headers => "X-Test: bayes99\n" }, '', 'AGED SIGNS_N', 'SIGNS1 SIGNS2_HALF STRANGER' ],
    [ 'four, a machine-made name known for days, observed', { %S25R, age => 3, seen => 2, mode => 'observe' }, { %FOUR, %AT_S25R }, 'TARGREY_S25R', 'AGED', 'SIGNS1 SIGNS2_HALF STRANGER' ],
    [ 'four, a line of yesterday, observed', { %NONE, age => 1, seen => 9, mode => 'observe' }, { %FOUR, %AT_NONE }, 'TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4', 'STRANGER', 'AGED SIGNS2_HALF' ],
    [ 'four, a line known for days, that was held and never came through', { %NONE, age => 9, seen => 9 }, { %FOUR, %AT_NONE }, 'TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4', 'STRANGER', 'AGED SIGNS2_HALF' ],
    [ 'a sign each: subject', {}, { subject => 'MAKE MONEY FAST' }, '', 'SHOUT W_SUBJ', 'W_RE' ],
    [ 'no sign: subject', {}, { subject => 'Welcome! 10 % for you' }, '', '', 'SHOUT W_SUBJ' ],
    [ 'a sign each: Re', {}, { subject => 'Re: your order' }, '', 'SUBJ_RE W_RE SIGNS1', 'SIGNS2' ],
    [ 'an answer has Re', {}, { subject => 'Re: your order', headers => "References: <1\@example.jp>\n" }, '', 'SUBJ_RE', 'W_RE' ],
    [ 'a mail passed on is no false answer', {}, { subject => 'FW: plans' }, '', '', 'SUBJ_RE W_RE' ],
    [ 'a sign each: To', {}, { to => 'undisclosed-recipients:;' }, '', 'W_TO SIGNS1', 'SIGNS2' ],
    [ 'no sign: To', {}, {}, '', '', 'W_TO W_MUA W_DATE BY_NAMES FALSE_TIME W_REPLYTO W_IMAGE W_URI W_HIDE W_SELL W_DRUGS W_GOODS W_MONEY OFFER W_PHISH' ],
    [ 'a sign each: program', {}, { headers => "X-Test: mimeole\n" }, '', 'W_MUA SIGNS1', 'SIGNS2' ],
    [ 'a sign each: a clock some hours ahead', {}, { headers => "X-Test: ahead\n" }, '', 'W_DATE SIGNS1', 'FALSE_TIME IDENT_ANY SIGNS2' ],
    [ 'a sign each: a time that cannot be', {}, { headers => "X-Test: longago\n" }, '', 'FALSE_TIME W_DATE IDENT_ANY SIGNS1', 'IDENT ODD SIGNS2' ],
    [ 'no sign: recipients by list', {}, { headers => "X-Test: rcpts\n" }, '', 'BY_NAMES', 'BEHAV SIGNS1' ],
    [ 'a sign each: another free mailer', {}, { headers => "X-Test: reply\n" }, '', 'W_REPLYTO SIGNS1', 'SIGNS2' ],
    [ 'a sign each: picture', {}, { headers => "X-Test: image\n" }, '', 'W_IMAGE SIGNS1', 'SIGNS2' ],
    [ 'two signs: hidden words', {}, { headers => "X-Test: hide\n" }, '', 'W_HIDE SIGNS2', 'SIGNS3' ],
    [ 'a sign each: link to an address', {}, { body => "See http://203.0.113.9/a and tell me.\n" }, '', 'W_URI SIGNS1', 'SIGNS2' ],
    [ 'no sign: link into the LAN', {}, { body => "The alert is at http://192.168.1.10/zabbix/ now.\n" }, '', '', 'W_URI' ],
    [ 'no sign: selling', {}, { body => "Your order is complete now; prices as agreed, USD 5 each.\n" }, '', '', 'SELL W_SELL W_MONEY FUND' ],
    [ 'two signs: what no good mail has', {}, { body => "We have replica handbags.\n" }, '', 'DRUGS W_DRUGS SIGNS2', 'SIGNS3 GOODS' ],
    [ 'a sign each: goods', {}, { body => "We have hot singles.\n" }, '', 'GOODS W_GOODS SIGNS1', 'DRUGS W_DRUGS' ],
    [ 'no sign: goods', {}, { body => "Two watches, a loan for a mortgage, a diet, naked truth.\n" }, '', '', 'GOODS W_GOODS DRUGS W_DRUGS' ],
    [ 'a sign each: money', {}, { body => "It is an extra income for you.\n" }, '', 'FUND W_MONEY SIGNS1', '' ],
    [ 'no sign: money', {}, { body => "We pay by wire transfer, USD 5,000 at most; our investment is 3 years old.\n" }, '', '', 'FUND W_MONEY' ],
    [ 'a sign each: offer', {}, { body => "We sell backlinks.\n" }, '', 'OFFER SIGNS1', '' ],
    [ 'no sign: offer', {}, { body => "Please send your quotation and price list; our factory is in Ulm. Web design is not our field.\n" }, '', '', 'OFFER' ],
    [ 'a sign each: phish', {}, { body => "Verify your mailbox below.\n" }, '', 'PHISH W_PHISH SIGNS1', '' ],
    [ 'no sign: phish', {}, { body => "Please confirm your visit. Your device is online, the package is here, payment advice attached.\n" }, '', '', 'PHISH W_PHISH' ],

    # strong content
    [ 'Bayes and a line', {%NONE}, { %AT_NONE, headers => "X-Test: bayes99\n" }, 'TARGREY_LINE_BAYES', '', 'C_SURE C2' ],
    [ 'Bayes, a line, a hold', { %NONE, tarpit_secs => 125 }, { %AT_NONE, headers => "X-Test: bayes99\n" }, '', 'ENDURED', '' ],
    [ 'Bayes, a line that is known', { %NONE, passed => 1 }, { %AT_NONE, headers => "X-Test: bayes99\n" }, '', '', '' ],
    [ 'Bayes, a line, one sign', {%NONE}, { %ONE, %AT_NONE, headers => "X-Test: bayes99\n" }, 'TARGREY_LINE_BAYES', 'C_SURE', 'SHOWN' ],
    [ 'Bayes, a line, two signs', {%NONE}, { %TWO, %AT_NONE, headers => "X-Test: bayes99\n" }, 'TARGREY_LINE_BAYES TARGREY_LINE_BAYES2 TARGREY_SURE_SIGNS2', '', '' ],
    [ 'Bayes very sure, a line, two signs', {%NONE}, { %TWO, %AT_NONE, headers => "X-Test: bayes99 bayes999\n" },
	'TARGREY_LINE_BAYES TARGREY_LINE_BAYES2 TARGREY_LINE_BAYES9 TARGREY_SURE_SIGNS2', '', '' ],
    [ 'Bayes very sure, no line, two signs', {}, { %TWO, headers => "X-Test: bayes99 bayes999\n" }, '', 'C_SURE', 'LINE ODD' ],
    [ 'Bayes, odd, one sign', { early => 'yes' }, { %ONE, headers => "X-Test: bayes99\n" }, 'TARGREY_BEHAV TARGREY_ODD_BAYES', '', '' ],
    [ 'Bayes, odd, no sign', { early => 'yes' }, { headers => "X-Test: bayes99\n" }, 'TARGREY_BEHAV', '', '' ],
    [ 'odd, one sign', { early => 'yes' }, {%ONE}, 'TARGREY_BEHAV', '', '' ],
    [ 'a listed link, a line, a sign', {%NONE}, { %ONE, %AT_NONE, headers => "X-Test: uri\n" }, 'TARGREY_LINE_URI', 'C_URI', 'C_SURE' ],
    [ 'a listed link, a line, two signs', {%NONE}, { %TWO, %AT_NONE, headers => "X-Test: uri\n" }, 'TARGREY_LINE_URI TARGREY_SURE_SIGNS2', 'C_SURE', '' ],
    [ 'a listed link and a line', {%NONE}, { %AT_NONE, headers => "X-Test: uri\n" }, '', 'C_URI', '' ],
    [ 'a listed link, a sign, no line', {}, { %ONE, headers => "X-Test: uri\n" }, '', 'C_URI', '' ],
    [ 'known bulk, a line, two signs', {%NONE}, { %TWO, %AT_NONE, headers => "X-Test: hash\n" }, 'TARGREY_LINE_HASH TARGREY_SURE_SIGNS2', 'C_HASH C_SURE', '' ],
    [ 'known bulk, a line, one sign', {%NONE}, { %ONE, %AT_NONE, headers => "X-Test: hash\n" }, '', 'C_HASH', 'C_SURE' ],
    [ 'known bulk, two signs, no line', {}, { %TWO, headers => "X-Test: hash\n" }, '', 'C_HASH', '' ],
    [ 'known bulk, a line, two signs, SPF vouches: a newsletter', { %S25R, spf => 'pass' }, { %TWO, %AT_S25R, headers => "X-Test: hash\n" }, 'TARGREY_S25R', '', '' ],
    [ 'a listed line, two signs', { %NONE, dnsbl => 'zen' }, { %TWO, %AT_NONE }, 'TARGREY_LINE_LISTED TARGREY_SURE_SIGNS2', 'DNSBL LISTED SHOWN', '' ],
    [ 'a line that stock rules find listed', {%NONE}, { %TWO, %AT_NONE, headers => "X-Test: xbl\n" }, 'TARGREY_LINE_LISTED TARGREY_SURE_SIGNS2', 'LISTED', 'DNSBL' ],
    [ 'a listed line, one sign', { %NONE, dnsbl => 'zen' }, { %ONE, %AT_NONE }, '', 'LISTED', '' ],
    [ 'a listed server, two signs', { dnsbl => 'zen' }, {%TWO}, '', 'LISTED', 'LINE SHOWN' ],
    [ 'patient, two proofs', { %NONE, tarpit_secs => 125 }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_PATIENT', 'C2', '' ],
    [ 'patient, one proof', { %NONE, tarpit_secs => 125 }, { %AT_NONE, headers => "X-Test: uri\n" }, '', '', 'C2' ],
    [ 'patient, no line', { tarpit_secs => 125 }, { headers => "X-Test: uri hash\n" }, '', 'C2', '' ],
    [ 'two proofs, not held', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash\n" }, '', 'C2 C_SURE', 'SHOWN' ],

    # certain enough to discard
    [ 'line, identity and two proofs', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_DISCARD_OK TARGREY_IDENT', 'SHOWN C_SURE', '' ],
    [ 'line, behaviour and two proofs', { %NONE, pipe => 'yes' }, { %AT_NONE, headers => "X-Test: bayes99 hash\n" }, 'TARGREY_BEHAV TARGREY_DISCARD_OK TARGREY_LINE_BAYES', '', '' ],
    [ 'line, a PC and two proofs', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash\n$OUTLOOK" }, 'TARGREY_DISCARD_OK TARGREY_LINE_URI', 'PC_DIRECT SHOWN', 'BEHAV' ],
    [ 'line, listing and two proofs', { %NONE, dnsbl => 'zen' }, { %AT_NONE, headers => "X-Test: uri bayes99\n" }, 'TARGREY_DISCARD_OK TARGREY_LINE_BAYES', '', '' ],
    [ 'behaviour, identity and two proofs', { pipe => 'yes', helo => 'ip' }, { headers => "X-Test: uri hash\n" }, 'TARGREY_BEHAV TARGREY_DISCARD_OK TARGREY_IDENT', '', 'LINE' ],
    [ 'line, a forged program and two proofs', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash mua\n" },
	'TARGREY_DISCARD_OK TARGREY_LINE_HASH TARGREY_LINE_URI TARGREY_SURE_SIGNS2', '', '' ],
    [ 'line, a time that cannot be and two proofs', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash longago\n" }, 'TARGREY_DISCARD_OK TARGREY_LINE_URI', 'FALSE_TIME SHOWN', '' ],
    [ 'line, a clock some hours ahead and two proofs', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash ahead\n" }, 'TARGREY_LINE_URI', 'C_SURE W_DATE', 'SHOWN' ],
    [ 'line, recipients by list and two proofs', {%NONE}, { %AT_NONE, headers => "X-Test: uri hash rcpts\n" }, 'TARGREY_DISCARD_OK', 'BY_NAMES SHOWN', '' ],
    [ 'a line and a first visit are one', {%NONE}, { %FOUR, %AT_NONE, headers => "X-Test: bayes99 bayes999 uri hash\n" },
	'TARGREY_LINE_BAYES TARGREY_LINE_BAYES2 TARGREY_LINE_BAYES9 TARGREY_LINE_HASH TARGREY_LINE_URI TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4',
	'C_SURE C2', 'SHOWN' ],
    [ 'identity alone is one', { spf => 'softfail' }, { headers => "X-Test: bayes99 bayes999 uri hash\n" }, '', 'C2 IDENT', 'SHOWN' ],
    [ 'Bayes and a word of the text', { %NONE, helo => 'ip' }, { %ONE, %AT_NONE, headers => "X-Test: bayes99\n" }, 'TARGREY_DISCARD_OK TARGREY_IDENT TARGREY_LINE_BAYES', '', '' ],
    [ 'Bayes alone, however sure', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: bayes99 bayes999\n" }, 'TARGREY_IDENT TARGREY_LINE_BAYES', 'SHOWN', 'C_SURE TEXT_N' ],
    [ 'Bayes, and signs that are not of the text', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: bayes99 bayes999 mimeole\n$OUTLOOK" },
	'TARGREY_IDENT TARGREY_LINE_BAYES TARGREY_LINE_BAYES2 TARGREY_LINE_BAYES9 TARGREY_SURE_SIGNS2', 'SHOWN SIGNS2', 'C_SURE' ],
    [ 'Bayes at 95 and three signs', { %NONE, helo => 'ip' }, { %THREE, %AT_NONE, headers => "X-Test: bayes95\n" },
	'TARGREY_DISCARD_OK TARGREY_IDENT TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3', 'C_SURE', '' ],
    [ 'Bayes at 95 and two', { %NONE, helo => 'ip' }, { %TWO, %AT_NONE, headers => "X-Test: bayes95\n" }, 'TARGREY_IDENT TARGREY_SURE_SIGNS2', '', 'C_SURE' ],
    [ 'every family but content', { %NONE, helo => 'ip', pipe => 'yes', dnsbl => 'zen' }, { %FOUR, %AT_NONE },
	'TARGREY_BEHAV TARGREY_IDENT TARGREY_LINE_LISTED TARGREY_SURE_SIGNS2 TARGREY_SURE_SIGNS3 TARGREY_SURE_SIGNS4', 'SHOWN', 'C_SURE' ],
    [ 'SPF vouches', { %NONE, helo => 'ip', spf => 'pass' }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_IDENT', 'SHOWN C_SURE', '' ],
    [ 'an answer', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: uri hash\nReferences: <1\@example.jp>\n" }, 'TARGREY_IDENT', 'SHOWN C_SURE', '' ],
    [ 'forwarded', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: uri hash\n", below => $HOPS }, 'TARGREY_IDENT', 'SHOWN C_SURE', 'DIRECTED' ],
    [ 'a list\'s', { %NONE, helo => 'ip' }, { %AT_NONE, headers => "X-Test: uri hash\nList-Id: <a.example>\n" }, 'TARGREY_IDENT', 'SHOWN C_SURE', 'DIRECTED' ],
    [ 'the client came through before', { %NONE, helo => 'ip', passed => 1 }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_IDENT', 'SHOWN C_SURE', 'STRANGER' ],
    [ 'good mail of its organisation, and proofs', { %NONE, helo => 'ip', org_ham => 10 }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_IDENT TARGREY_ORG_GOOD', 'SHOWN C_SURE ORG_GOOD', '' ],
    [ 'good mail on record, and proofs', { %NONE, helo => 'ip', ham => 1 }, { %AT_NONE, headers => "X-Test: uri hash\n" }, 'TARGREY_IDENT', 'SHOWN C_SURE', 'STRANGER' ],
);

# The message of a case.
sub message {
	my ($case) = @_;
	my ($name, $facts, $mail) = @$case;
	return Scan::mail(($facts ? (above => Scan::session(%$facts)) : ()), %$mail);
}

# What differs between what hit and what a case wants: names, or nothing.
sub differences {
	my ($case, $scored, $facts) = @_;
	my (undef, undef, undef, $ours, $is, $not) = @$case;
	my %wanted = map { $_ => 1 } split ' ', $ours;
	return ((map { "no $_" } grep { !$scored->{$_} } sort keys %wanted),
	    (grep { !$wanted{$_} } sort keys %$scored),
	    (map { "no $_" } grep { !$facts->{$_} } split ' ', $is),
	    (grep { $facts->{$_} } split ' ', $not));
}

1;
