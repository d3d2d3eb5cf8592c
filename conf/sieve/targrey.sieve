# SPDX-License-Identifier: BSD-2-Clause
#
# Sorts mail by SpamAssassin's score and targrey's facts (Dovecot Pigeonhole).
# As a script that runs before the users' own:
#
#	plugin { sieve_before = /etc/targrey/sieve/targrey.sieve }
#
# compiled once by sievec. Reads the topmost X-Spam-Status, as amavisd-new,
# spamassassin and spamd write it. Mail without one, or with a low or negative
# score, goes on to the user's script. A mail that your filter did not scan (over
# its size limit) must not carry a status of its sender's: docs/spamassassin.md,
# "Delivery", has the line for it. Scores are compared as text: Sieve's number
# comparator takes "-12.4" for infinity. The brackets hold a blank and a tab.

require ["fileinto", "mailbox", "index", "regex"];

if header :index 1 :regex "X-Spam-Status" "^[ 	]*(Yes|No),[ 	]+score=([2-9][0-9]|[1-9][0-9][0-9]+)(\\.|[ 	]|$)" {
	# Three families of evidence and 20 points. To discard it, once you have
	# watched the folder for some weeks: the commented line in place of the
	# one below it.
	if header :index 1 :regex "X-Spam-Status" "[[ 	,=]TARGREY_DISCARD_OK([],= 	]|$)" {
		#discard;
		fileinto :create "spam.certain";
		stop;
	}
	fileinto :create "spam.20plus";
	stop;
}
if header :index 1 :regex "X-Spam-Status" "^[ 	]*(Yes|No),[ 	]+score=1[0-9](\\.|[ 	]|$)" {
	fileinto :create "spam.10to19";
	stop;
}
if header :index 1 :regex "X-Spam-Status" "^[ 	]*(Yes|No),[ 	]+score=[5-9](\\.|[ 	]|$)" {
	fileinto :create "spam.05to09";
	stop;
}

# Not spam by its score, but from an end-user line that never came through
# before: worth a look now and then.
if allof (
	header :index 1 :regex "X-Spam-Status" "^[ 	]*(Yes|No),[ 	]+score=[2-4](\\.|[ 	]|$)",
	header :index 1 :regex "X-TaRgrey-Flags" "(^|[ 	])S25R([ 	]|$)",
	header :index 1 :regex "X-TaRgrey-Flags" "(^|[ 	])NO-SUCCESS([ 	]|$)") {
	fileinto :create "spam.borderline";
	stop;
}
