/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Abbreviated months as the C library of Debian 12 prints them (%b) in the
 * languages of Europe. Left out: Croatian, Czech and Polish "lip", "lis" and
 * "srp", which name different months.
 */
#include <string.h>
#include <strings.h>

#include "maillog/stamp.h"

static const char *const months[12] = {
    ("jan oca ene gen ian jaan janv led saus sij sty tammi Ιαν янв яну "
     "јан"),
    "feb febr fev févr helmi lut vas veebr velj úno Şub Φεβ феб фев",
    "mar Mär bře kov maalis mars març mrt márc märts ožu Μάρ Μαρ мар",
    "apr nis abr april avril bal dub huhti kwi tra ápr Απρ апр",
    "mai may geg kvě mag maig maj mei máj svi touko Μάι Μαΐ май мая мај",
    ("haz jun birž cze giu iun juin juni juny juuni jún jūn kesä čen "
     "Ιουν Ιούν июн юни јун"),
    ("jul tem heinä iul juil juli juuli júl jūl liep lug čec Ιουλ Ιούλ "
     "июл юли јул"),
    "aug Ağu ag ago août avg elo kol rugp sie Αυγ Αύγ авг",
    "eyl sep rugs ruj sept set syys szept wrz zář Σεπ сен сеп",
    "eki oct okt loka ott out paź spal říj Οκτ окт",
    "kas nov lapkr marras stu Νοέ Νοε нов ное ноя",
    "ara dec dez des dets dic déc gru gruod joulu pro Δεκ дек дец",
};

static bool
is_in(const char *words, const char *name, size_t length)
{
	while (*words != '\0') {
		size_t word = strcspn(words, " ");
		/* ASCII case only: the rest is as the library prints it */
		if (word == length && strncasecmp(words, name, length) == 0)
			return true;
		words += word + (words[word] == ' ');
	}
	return false;
}

/* " 3月", "3월" */
static int
numbered(const char *text, const char **end_r)
{
	static const char *const signs[] = {"月", "월"};
	const char *at = text + (*text == ' ');
	int month = 0;

	while (*at >= '0' && *at <= '9' && month < 10)
		month = month * 10 + *at++ - '0';
	for (size_t i = 0; i < 2 && month >= 1 && month <= 12; i++) {
		if (strncmp(at, signs[i], strlen(signs[i])) == 0) {
			*end_r = at + strlen(signs[i]);
			return month;
		}
	}
	return 0;
}

int
stamp_month(const char *text, const char **end_r)
{
	static const char english[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	size_t length = strcspn(text, " ");

	if (length == 3) {
		for (int month = 1; month <= 12; month++) {
			if (memcmp(text, english + 3 * (month - 1), 3) == 0) {
				*end_r = text + 3;
				return month;
			}
		}
	}
	if (length == 0 || (*text >= '0' && *text <= '9'))
		return numbered(text, end_r);
	*end_r = text + length;
	if (text[length - 1] == '.')
		length--;
	for (int month = 1; month <= 12 && length <= 16; month++) {
		if (is_in(months[month - 1], text, length))
			return month;
	}
	return 0;
}
