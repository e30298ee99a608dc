<?xml version="1.0" encoding="UTF-8"?>
<!-- What every layout of a letter needs: Indonesian dates, numbers in words, Sifat, counted enclosures, addressing, signature lines.
     Named templates give text and make no layout; mode="html" gives the body's elements, which the mail and the page share. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:l="urn:mtagw:letter:1"
                exclude-result-prefixes="l">

  <!-- inside | outside: whom this form goes to. -->
  <xsl:param name="form" select="'inside'"/>
  <!-- no where the policy leaves the seal out: then nothing speaks of one. -->
  <xsl:param name="seal" select="'yes'"/>

  <!-- More addressees than this stand on a list of their own (Yth. Daftar Terlampir). -->
  <xsl:variable name="addressees-in-letter" select="3"/>
  <xsl:variable name="letter" select="/l:letter"/>
  <xsl:variable name="from" select="/l:letter/l:from"/>
  <xsl:variable name="main" select="/l:letter/l:recipients/l:recipient[@role = 'main']"/>
  <xsl:variable name="copies" select="/l:letter/l:recipients/l:recipient[@role = 'copy']"/>
  <xsl:variable name="listed" select="count($main) &gt; $addressees-in-letter"/>

  <!-- 2026-11-24: 24 November 2026 -->
  <xsl:template name="date">
    <xsl:variable name="iso" select="$letter/l:date"/>
    <xsl:variable name="month" select="number(substring($iso, 6, 2))"/>
    <xsl:variable name="names">Januari  Februari Maret    April    Mei      Juni     Juli     Agustus  SeptemberOktober  November Desember </xsl:variable>
    <xsl:if test="$iso != ''">
      <xsl:value-of select="concat(number(substring($iso, 9, 2)), ' ',
          normalize-space(substring($names, ($month - 1) * 9 + 1, 9)), ' ', substring($iso, 1, 4))"/>
    </xsl:if>
  </xsl:template>

  <!-- Whole numbers below a million in words (terbilang). -->
  <xsl:template name="words">
    <xsl:param name="n"/>
    <xsl:variable name="units">satu    dua     tiga    empat   lima    enam    tujuh   delapan sembilan</xsl:variable>
    <xsl:variable name="text">
      <xsl:choose>
        <xsl:when test="$n = 0">nol</xsl:when>
        <xsl:when test="$n &lt; 10"><xsl:value-of select="normalize-space(substring($units, ($n - 1) * 8 + 1, 8))"/></xsl:when>
        <xsl:when test="$n = 10">sepuluh</xsl:when>
        <xsl:when test="$n = 11">sebelas</xsl:when>
        <xsl:when test="$n &lt; 20">
          <xsl:call-template name="words"><xsl:with-param name="n" select="$n - 10"/></xsl:call-template> belas</xsl:when>
        <xsl:when test="$n &lt; 100">
          <xsl:call-template name="words-of"><xsl:with-param name="n" select="$n"/><xsl:with-param name="base" select="10"/><xsl:with-param name="name" select="'puluh'"/></xsl:call-template>
        </xsl:when>
        <xsl:when test="$n &lt; 200">seratus <xsl:call-template name="words-rest"><xsl:with-param name="n" select="$n - 100"/></xsl:call-template></xsl:when>
        <xsl:when test="$n &lt; 1000">
          <xsl:call-template name="words-of"><xsl:with-param name="n" select="$n"/><xsl:with-param name="base" select="100"/><xsl:with-param name="name" select="'ratus'"/></xsl:call-template>
        </xsl:when>
        <xsl:when test="$n &lt; 2000">seribu <xsl:call-template name="words-rest"><xsl:with-param name="n" select="$n - 1000"/></xsl:call-template></xsl:when>
        <xsl:when test="$n &lt; 1000000">
          <xsl:call-template name="words-of"><xsl:with-param name="n" select="$n"/><xsl:with-param name="base" select="1000"/><xsl:with-param name="name" select="'ribu'"/></xsl:call-template>
        </xsl:when>
        <xsl:otherwise><xsl:value-of select="$n"/></xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:value-of select="normalize-space($text)"/>
  </xsl:template>
  <xsl:template name="words-of">
    <xsl:param name="n"/>
    <xsl:param name="base"/>
    <xsl:param name="name"/>
    <xsl:call-template name="words"><xsl:with-param name="n" select="floor($n div $base)"/></xsl:call-template>
    <xsl:value-of select="concat(' ', $name, ' ')"/>
    <xsl:call-template name="words-rest"><xsl:with-param name="n" select="$n mod $base"/></xsl:call-template>
  </xsl:template>
  <xsl:template name="words-rest">
    <xsl:param name="n"/>
    <xsl:if test="$n &gt; 0"><xsl:call-template name="words"><xsl:with-param name="n" select="$n"/></xsl:call-template></xsl:if>
  </xsl:template>

  <!-- Sifat: the class where it is above open, the urgency where there is one, both where both apply. -->
  <xsl:template name="sifat">
    <xsl:variable name="class">
      <xsl:choose>
        <xsl:when test="$letter/l:security_class = 'restricted'">Terbatas</xsl:when>
        <xsl:when test="$letter/l:security_class = 'secret'">Rahasia</xsl:when>
        <xsl:when test="$letter/l:security_class = 'top_secret'">Sangat Rahasia</xsl:when>
      </xsl:choose>
    </xsl:variable>
    <xsl:variable name="urgency">
      <xsl:choose>
        <xsl:when test="$letter/l:urgency = 'important'">Penting</xsl:when>
        <xsl:when test="$letter/l:urgency = 'urgent'">Segera</xsl:when>
        <xsl:when test="$letter/l:urgency = 'immediate'">Sangat Segera</xsl:when>
      </xsl:choose>
    </xsl:variable>
    <xsl:value-of select="$class"/>
    <xsl:if test="$class != '' and $urgency != ''">/</xsl:if>
    <xsl:value-of select="$urgency"/>
    <xsl:if test="$class = '' and $urgency = ''">Biasa</xsl:if>
  </xsl:template>

  <!-- Lampiran: `3 (tiga) berkas`; the list of addressees counts; `-` for none. -->
  <xsl:template name="lampiran">
    <xsl:variable name="files" select="count($letter/l:enclosures/l:enclosure)"/>
    <xsl:variable name="n" select="$files + number($listed)"/>
    <xsl:choose>
      <xsl:when test="$n = 0">-</xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="concat($n, ' (')"/>
        <xsl:call-template name="words"><xsl:with-param name="n" select="$n"/></xsl:call-template>
        <xsl:choose>
          <xsl:when test="$files = 0">) lembar</xsl:when>
          <xsl:otherwise>) berkas</xsl:otherwise>
        </xsl:choose>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The `di -` line: the place all addressees share, else Tempat. -->
  <xsl:template name="place">
    <xsl:choose>
      <xsl:when test="not($listed) and count($main[l:place = $main[1]/l:place]) = count($main) and $main">
        <xsl:value-of select="$main[1]/l:place"/>
      </xsl:when>
      <xsl:otherwise>Tempat</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- The same in capitals, as the printed page has it. -->
  <xsl:template name="place-capitals">
    <xsl:variable name="place"><xsl:call-template name="place"/></xsl:variable>
    <xsl:value-of select="translate($place, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"/>
  </xsl:template>

  <!-- What stands before the post: Plt. and its like. The holder of one who signs on behalf has a capacity of its own. -->
  <xsl:template name="acting">
    <xsl:variable name="capacities" select="$from/@capacity | $from/l:holder/@capacity"/>
    <xsl:choose>
      <xsl:when test="$capacities = 'acting_vacant'">Plt. </xsl:when>
      <xsl:when test="$capacities = 'acting_absent'">Plh. </xsl:when>
      <xsl:when test="$capacities = 'caretaker'">Pj. </xsl:when>
      <xsl:when test="$capacities = 'temp_caretaker'">Pjs. </xsl:when>
    </xsl:choose>
  </xsl:template>

  <!-- A letter on behalf of somebody must say of whom. -->
  <xsl:template name="check-capacity">
    <xsl:if test="($from/@capacity = 'on_behalf' or $from/@capacity = 'sub_delegated') and not($from/l:delegator_block)">
      <xsl:message terminate="yes">the signatory acts on behalf of somebody, but the letter does not say of whom (delegator_block)</xsl:message>
    </xsl:if>
    <xsl:if test="$from/@capacity = 'sub_delegated' and not($from/l:via_block)">
      <xsl:message terminate="yes">the signatory acts by sub-delegation, but the letter does not say through whom (via_block)</xsl:message>
    </xsl:if>
  </xsl:template>

  <!-- Number of a list item: 1. a. 1) a) -->
  <xsl:template name="point">
    <xsl:variable name="list" select=".."/>
    <xsl:variable name="n" select="count(preceding-sibling::l:li) + number(concat('0', $list/@start)) + number(not($list/@start))"/>
    <!-- 26 letters are all that a writer's `a.` `b.` can reach -->
    <xsl:choose>
      <xsl:when test="starts-with($list/@type, 'a')"><xsl:value-of select="substring('abcdefghijklmnopqrstuvwxyz', $n, 1)"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="$n"/></xsl:otherwise>
    </xsl:choose>
    <xsl:choose>
      <xsl:when test="contains($list/@type, ')')">)</xsl:when>
      <xsl:otherwise>.</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Size of the enclosure at hand. 20480: 20 KB -->
  <xsl:template name="size">
    <xsl:variable name="bytes" select="number(@size)"/>
    <xsl:choose>
      <xsl:when test="$bytes &gt;= 1048576"><xsl:value-of select="translate(format-number($bytes div 1048576, '0.0'), '.', ',')"/> MB</xsl:when>
      <xsl:when test="$bytes &gt;= 1024"><xsl:value-of select="round($bytes div 1024)"/> KB</xsl:when>
      <xsl:otherwise><xsl:value-of select="$bytes"/> byte</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Body as HTML. Points keep the number that stands in the text mail (1. a. 1) a)), so they are rows with the number in front. -->
  <xsl:param name="p-style" select="'margin:0 0 12px 0'"/>
  <xsl:template match="l:body" mode="html"><xsl:apply-templates select="*" mode="html"/></xsl:template>
  <xsl:template match="l:body/l:p" mode="html"><p class="body" style="{$p-style}"><xsl:apply-templates mode="html"/></p></xsl:template>
  <xsl:template match="l:li/l:p" mode="html"><div><xsl:apply-templates mode="html"/></div></xsl:template>
  <xsl:template match="l:ol | l:ul" mode="html">
    <table role="presentation" class="list" cellspacing="0" cellpadding="0" style="border-collapse:collapse;width:100%">
      <xsl:if test="parent::l:body"><xsl:attribute name="style">border-collapse:collapse;width:100%;<xsl:value-of select="$p-style"/></xsl:attribute></xsl:if>
      <xsl:for-each select="l:li">
        <tr>
          <td style="width:26px;vertical-align:top;padding:0 6px 0 0;text-align:left;white-space:nowrap">
            <xsl:choose>
              <xsl:when test="parent::l:ul">&#x2013;</xsl:when>
              <xsl:otherwise><xsl:call-template name="point"/></xsl:otherwise>
            </xsl:choose>
          </td>
          <td style="vertical-align:top;padding:0"><xsl:apply-templates select="*" mode="html"/></td>
        </tr>
      </xsl:for-each>
    </table>
  </xsl:template>
  <xsl:template match="l:table" mode="html">
    <table role="presentation" class="rows" cellspacing="0" cellpadding="0" style="border-collapse:collapse;{$p-style};margin-left:26px">
      <xsl:for-each select="l:tr">
        <tr>
          <xsl:for-each select="l:td">
            <xsl:if test="position() = 2"><td style="vertical-align:top;padding:0 6px 0 10px">:</td></xsl:if>
            <td style="vertical-align:top;padding:0">
              <xsl:if test="position() = 1"><xsl:attribute name="style">vertical-align:top;padding:0;white-space:nowrap</xsl:attribute></xsl:if>
              <xsl:apply-templates mode="html"/>
            </td>
          </xsl:for-each>
        </tr>
      </xsl:for-each>
    </table>
  </xsl:template>
  <xsl:template match="l:strong" mode="html"><strong><xsl:apply-templates mode="html"/></strong></xsl:template>
  <xsl:template match="l:em" mode="html"><em><xsl:apply-templates mode="html"/></em></xsl:template>
  <xsl:template match="l:br" mode="html"><br/></xsl:template>
</xsl:stylesheet>
